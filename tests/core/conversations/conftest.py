from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.conversations.conversations import Conversations
from core.storage import open_database


@pytest.fixture
async def conversations(location: str | Path) -> AsyncIterator[Conversations]:
    async with await open_database(location) as database:
        yield Conversations(database)
