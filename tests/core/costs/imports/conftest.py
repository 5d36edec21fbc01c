from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.catalogue import Catalogue, load_catalogue
from core.costs.ledger import Ledger
from core.storage import Database, open_database


@pytest.fixture
async def database(location: str | Path) -> AsyncIterator[Database]:
    async with await open_database(location) as opened:
        yield opened


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def ledger(database: Database, catalogue: Catalogue) -> Ledger:
    return Ledger(database, catalogue)
