"""The rows of marked calls: one final row each, whatever goes wrong in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from core.chat import Usage
from core.errors import DatabaseBusy
from core.records import Records, open_records
from tests.core.costs.marked import (
    admitted_at_once,
    busy_worker,
    histories,
    history,
    is_clean,
    marked_beside,
    pass_time,
)
from tests.core.costs.test_budget_gate import REQUEST, Models, call
from tests.core.costs.test_group_ledger import Desk, ended, locked, until, without_patience
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


# -- its row ---------------------------------------------------------------------------------------


async def test_a_short_call_has_one_row_that_is_written_once(desk: Desk, records: Records) -> None:
    await histories(records)
    made = call()
    admitted_at_once(desk, made)
    desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()
    assert await history(records, made) == ["answered"]


async def test_a_long_call_has_a_row_that_others_see(desk: Desk, records: Records, location: Path) -> None:
    await histories(records)
    other = await open_records(location, Models())
    admitted_at_once(desk, made := call())
    async with asyncio.timeout(20):
        while not (rows := await other.ledger.rows()):
            pass
    (row,) = rows
    assert (row.call_id, row.outcome, row.key_id) == (made.call_id, "running", desk.key.id)
    assert row.reserved is not None
    assert row.reserved > 0
    await until(lambda: marked_beside(location) == set())
    desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()
    assert await history(records, made) == ["running", "answered"]
    assert await other.ledger.recover() == 0
    await other.aclose()
    assert is_clean(location)


async def test_a_long_call_has_its_row_with_the_next_transaction_however_many_there_are(
    desk: Desk, records: Records
) -> None:
    """Under load there is hardly a moment in which none is under way."""
    long, first, second = call(), call(), call()
    for made in (long, first, second):
        admitted_at_once(desk, made)
    with busy_worker(records):
        desk.ledger.ended(ended(first, 10))
        await pass_time(0.25)
        desk.ledger.ended(ended(second, 10))
        rows = records.database.offload(lambda: None)  # behind the first transaction
    await until(rows.done)
    async with asyncio.timeout(20):
        while second.call_id not in (outcomes := await desk.outcomes()):
            pass
    assert outcomes[long.call_id] == "running"
    desk.ledger.ended(ended(long, 10))
    await desk.ledger.aclose()


async def test_a_call_that_ends_while_its_row_is_written_has_one(desk: Desk, records: Records) -> None:
    await histories(records)
    admitted_at_once(desk, made := call())
    with busy_worker(records):
        await pass_time(0.15)  # its row waits for the worker
        desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()
    assert await history(records, made) == ["running", "answered"]
    assert await desk.outcomes() == {made.call_id: "answered"}


async def test_a_cap_beyond_all_measure_is_booked_as_others(desk: Desk, records: Records) -> None:
    made = [call() for _ in range(20)]
    for one in made:
        admitted_at_once(desk, one, 10**30)
    async with asyncio.timeout(20):
        while not (rows := await records.ledger.rows()):
            assert desk.ledger.failure is None
    assert [row.outcome for row in rows] == ["running"] * 20
    for one in made:
        desk.ledger.ended(ended(one, 10))
    await desk.ledger.aclose()
    assert set((await desk.outcomes()).values()) == {"answered"}


# -- a database that fails -------------------------------------------------------------------------


async def test_a_database_that_fails_makes_the_next_calls_wait_and_all_are_settled_later(
    desk: Desk, records: Records, location: Path
) -> None:
    await without_patience(records)
    over, running = [call() for _ in range(20)], call()
    for made in (*over, running):
        admitted_at_once(desk, made)
    with locked(location):
        for made in over:
            desk.ledger.ended(ended(made, 10))
        await until(lambda: desk.ledger.failure is not None)
        for _ in range(2):
            with pytest.raises(DatabaseBusy):
                await desk.entry().admit(call(), REQUEST, 100)
        assert desk.ledger.unsettled == 20
        assert marked_beside(location) == {made.call_id for made in (*over, running)}
    await until(lambda: desk.ledger.failure is None)
    admitted_at_once(desk, following := call())
    for made in (running, following):
        desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()
    assert await desk.outcomes() == {made.call_id: "answered" for made in (*over, running, following)}
    assert is_clean(location)


async def test_a_row_that_cannot_be_written_yet_is_written_later(
    desk: Desk, records: Records, location: Path
) -> None:
    await without_patience(records)
    admitted_at_once(desk, made := call())
    with locked(location):
        await until(lambda: desk.ledger.failure is not None)
        assert marked_beside(location) == {made.call_id}
    async with asyncio.timeout(20):
        while not await desk.outcomes():
            pass
    assert await desk.outcomes() == {made.call_id: "running"}
    desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()
    assert is_clean(location)


async def test_a_call_the_database_does_not_take_keeps_no_other_from_being_booked(
    desk: Desk, location: Path, caplog: pytest.LogCaptureFixture
) -> None:
    odd, even = call(), call()
    for made in (odd, even):
        admitted_at_once(desk, made)
    desk.ledger.ended(replace(odd, outcome="answered", usage=Usage(10**20, 1)))
    desk.ledger.ended(ended(even, 10))
    async with asyncio.timeout(20):
        while not await desk.outcomes():
            pass
    await until(lambda: desk.ledger.failure is None)
    assert odd.call_id in caplog.text
    admitted_at_once(desk, following := call())
    desk.ledger.ended(ended(following, 10))
    await desk.ledger.aclose()
    assert await desk.outcomes() == {even.call_id: "answered", following.call_id: "answered"}
    assert marked_beside(location) == {odd.call_id}
    await desk.records.aclose()
    next_records = await open_records(location, Models())
    rows = {row.call_id: row for row in await next_records.ledger.rows()}
    assert rows[odd.call_id].outcome == "crashed"
    assert rows[odd.call_id].cost == rows[odd.call_id].reserved
    assert len(rows) == 3
    await next_records.aclose()
    assert is_clean(location)


async def test_what_was_settled_alone_is_not_settled_again_when_the_rest_fails(
    desk: Desk, records: Records, location: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refuse = "BEFORE INSERT ON calls WHEN NEW.outcome = 'running' BEGIN SELECT RAISE(ABORT, 'no'); END"
    await records.database.run(lambda c: c.exec_driver_sql(f"CREATE TRIGGER refuse {refuse}"))
    long, first, second = call(), call(), call()
    for made in (long, first, second):
        admitted_at_once(desk, made)
    with busy_worker(records):
        desk.ledger.ended(ended(first, 10))
        await pass_time(0.25)
        desk.ledger.ended(ended(second, 10))  # goes with the row of the long one, which is refused
    await until(lambda: desk.ledger.failure is not None)
    await records.database.run(lambda c: c.exec_driver_sql("DROP TRIGGER refuse"))
    await until(lambda: desk.ledger.failure is None)
    desk.ledger.ended(ended(long, 10))
    await desk.ledger.aclose()
    assert await desk.outcomes() == {made.call_id: "answered" for made in (long, first, second)}
    assert "cannot be settled" not in caplog.text
    assert is_clean(location)


# -- all of it at once -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
async def test_no_interleaving_leaves_a_call_without_a_trace(
    desk: Desk, records: Records, location: Path, seed: int
) -> None:
    await without_patience(records)
    chance, expected = Random(seed), dict[str, str]()

    async def one() -> None:
        made, entry = call(), desk.entry()
        for _ in range(chance.randrange(20)):
            await asyncio.sleep(0)
        try:
            await entry.admit(made, REQUEST, 1_000)
        except DatabaseBusy:
            return
        outcome = expected[made.call_id] = "answered"
        try:
            for _ in range(chance.choice([0, 1, 50])):
                await asyncio.sleep(0)
            await check()
        except asyncio.CancelledError:
            outcome = expected[made.call_id] = "cancelled"
            raise
        finally:
            entry.call_ended(ended(made, chance.randrange(1_000), outcome))

    async def check() -> None:
        sent, marked = set(expected), marked_beside(location)  # a mark goes only when its row is there
        assert sent <= marked | set(await desk.outcomes())

    loop = asyncio.get_running_loop()
    for round_ in range(4):
        tasks = [asyncio.create_task(one()) for _ in range(60)]
        for task in chance.sample(tasks, 15):
            loop.call_later(chance.random() / 20, task.cancel)
        if round_ % 2:
            with locked(location):
                await pass_time(chance.random() / 5)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results} <= {type(None), asyncio.CancelledError}
        await check()
    await desk.ledger.aclose()
    assert await desk.outcomes() == expected
    assert is_clean(location)
