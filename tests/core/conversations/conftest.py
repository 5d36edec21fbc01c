from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.conversations.conversations import Conversations
from core.storage import open_database


@pytest.fixture
def database_path(tmp_path: Path) -> Path:
    return tmp_path / "tensorwall.db"


@pytest.fixture
async def conversations(database_path: Path) -> AsyncIterator[Conversations]:
    async with await open_database(database_path) as database:
        yield Conversations(database)
