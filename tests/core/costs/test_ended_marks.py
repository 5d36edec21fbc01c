"""A call that is over is booked as it went, also where its TensorWall dies before its row is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.records import Records, open_records
from tests.core.costs.marked import is_clean
from tests.core.costs.test_budget_gate import PROMPT, REQUEST, Models, call, hard
from tests.core.costs.test_group_ledger import Desk, ended, locked, without_patience
from tests.databases import on_sqlite

pytestmark = on_sqlite


@pytest.fixture
async def records(location: Path) -> AsyncIterator[Records]:
    records = await open_records(location, Models())
    yield records
    await records.aclose()


@pytest.mark.parametrize("limited", [False, True])
async def test_what_is_over_is_booked_as_it_went_by_whoever_comes_next(
    records: Records, location: Path, limited: bool
) -> None:
    await without_patience(records)
    desk = await Desk(records, hard(day=1) if limited else None).open(marked=True)
    over, running = call(), call()
    for made in (over, running):
        await desk.entry().admit(made, REQUEST, 100)
    with locked(location):
        desk.ledger.ended(ended(over, 10))
        await desk.ledger.aclose(patience=0.02)
    await records.aclose()
    following = await open_records(location, Models())
    rows = {row.call_id: row for row in await following.ledger.rows()}
    assert rows[over.call_id].outcome == "answered"
    assert (rows[over.call_id].prompt_tokens, rows[over.call_id].completion_tokens) == (PROMPT, 10)
    assert not rows[over.call_id].estimated
    assert rows[running.call_id].outcome == "crashed"
    assert 0 < (rows[over.call_id].cost or 0) < (rows[running.call_id].cost or 0)
    assert is_clean(location)
    assert await following.ledger.recover() == 0
    await following.aclose()
