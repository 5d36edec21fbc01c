"""Calls that no limit is on are sent after a mark, the others after a row."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from core.costs.call_journal import journals_beside
from core.errors import KeyRefused
from core.keys import KeyBudget, KeyScopes
from core.records import Records, open_records
from core.settings import BudgetSettings
from tests.core.costs.marked import (
    admitted_at_once,
    is_clean,
    marked_beside,
)
from tests.core.costs.test_budget_gate import REQUEST, Models, call, hard
from tests.core.costs.test_group_ledger import Desk, ended, locked
from tests.databases import on_sqlite

pytestmark = on_sqlite


@pytest.fixture
async def records(location: Path) -> AsyncIterator[Records]:
    records = await open_records(location, Models())
    yield records
    await records.aclose()


@pytest.fixture
async def desk(records: Records) -> Desk:
    return await Desk(records).open(marked=True)


async def test_a_call_is_marked_before_it_is_sent_and_its_mark_goes_with_its_row(
    desk: Desk, location: Path
) -> None:
    made = call()
    admitted_at_once(desk, made)
    assert marked_beside(location) == {made.call_id}
    assert await desk.outcomes() == {}
    desk.ledger.ended(ended(made, 10))
    assert marked_beside(location) == {made.call_id}
    await desk.ledger.aclose()
    assert is_clean(location)
    assert await desk.outcomes() == {made.call_id: "answered"}


async def test_another_program_that_writes_is_not_waited_for(desk: Desk, location: Path) -> None:
    made = [call() for _ in range(50)]
    with locked(location):
        for one in made:
            admitted_at_once(desk, one)
            desk.ledger.ended(ended(one, 10))
        assert desk.ledger.failure is None
    await desk.ledger.aclose()
    assert await desk.outcomes() == {one.call_id: "answered" for one in made}
    assert is_clean(location)


async def test_a_key_revoked_by_another_process_is_refused_at_the_very_next_call(
    desk: Desk, location: Path
) -> None:
    other = await open_records(location, Models())
    made = call()
    admitted_at_once(desk, made)
    await other.keys.create("another")  # which is no reason to refuse this one
    again, third = call(), call()
    assert await desk.entry().admit(again, REQUEST, 100) == 100
    admitted_at_once(desk, third)
    await other.keys.revoke("desk")
    for _ in range(3):
        with pytest.raises(KeyRefused) as refused:
            await desk.entry().admit(call(), REQUEST, 100)
        assert refused.value.code == "revoked"
    for one in (made, again, third):
        desk.ledger.ended(ended(one, 10))
    await desk.ledger.aclose()
    await other.aclose()
    assert set(await desk.outcomes()) == {made.call_id, again.call_id, third.call_id}
    assert is_clean(location)


async def test_a_key_revoked_while_another_call_brings_the_keys_up_to_date_is_refused(desk: Desk) -> None:
    """The worker may be at it just when the event loop has looked at the key."""
    database, event_loop = desk.records.database, threading.current_thread()

    def recheck() -> object:
        found = desk.ring.find(desk.secret)
        if threading.current_thread() is event_loop:
            database.offload(lambda: database.write_within(desk.ring.refresh)).result()
        return found

    await desk.records.keys.revoke("desk")
    entry = desk.entry()
    entry.recheck = recheck
    with pytest.raises(KeyRefused):
        await entry.admit(call(), REQUEST, 100)
    await desk.ledger.aclose()


@pytest.mark.parametrize("limit", ["settings", "key"])
async def test_a_call_with_a_limit_on_it_has_its_row_first(
    records: Records, location: Path, limit: str
) -> None:
    scopes = KeyScopes(budgets=(KeyBudget("month", Decimal(1)),)) if limit == "key" else None
    desk = await Desk(records, hard(day=1) if limit == "settings" else None).open(scopes, marked=True)
    made = call()
    assert await desk.entry().admit(made, REQUEST, 100) == 100
    assert await desk.outcomes() == {made.call_id: "running"}
    assert is_clean(location)
    desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()
    assert is_clean(location)


@pytest.mark.parametrize("budgets", [None, BudgetSettings(), hard(session=0.000001)])
async def test_limits_of_conversations_are_none_here(
    records: Records, location: Path, budgets: BudgetSettings | None
) -> None:
    desk = await Desk(records, budgets).open(marked=True)
    admitted_at_once(desk, made := call())
    assert marked_beside(location) == {made.call_id}
    desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()


async def test_a_call_whose_mark_would_be_too_long_has_its_row_first(desk: Desk, location: Path) -> None:
    made = call(route="x" * 3_000)
    assert await desk.entry().admit(made, REQUEST, 100) == 100
    assert await desk.outcomes() == {made.call_id: "running"}
    desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()
    assert is_clean(location)


async def test_a_call_whose_name_no_mark_can_carry_has_its_row_first(desk: Desk) -> None:
    made = call(route="half a pair: \ud800")
    assert await desk.entry().admit(made, REQUEST, 100) == 100
    assert await desk.outcomes() == {made.call_id: "running"}
    desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()


async def test_where_nothing_can_be_marked_calls_have_their_rows_first(desk: Desk, location: Path) -> None:
    folder = journals_beside(location)
    assert folder is not None
    folder.write_text("in the way")
    made = call()
    assert await desk.entry().admit(made, REQUEST, 100) == 100
    assert await desk.outcomes() == {made.call_id: "running"}
    desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()
    assert folder.read_text() == "in the way"
