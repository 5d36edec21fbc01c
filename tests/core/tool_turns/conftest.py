"""A desk for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.catalogue import Catalogue, load_catalogue
from tests.core.tool_turns.desk import Desk
from tests.simulated import Simulated


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
async def desk(simulator: Simulated, tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[Desk]:
    desk = Desk(simulator, tmp_path / "tensorwall.db", catalogue)
    yield desk
    await desk.records.aclose()
    await desk.router.aclose()
