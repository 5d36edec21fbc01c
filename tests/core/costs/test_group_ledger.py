"""The ledger of many requests: no interleaving passes a hard limit, and no row is lost."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from core.chat import UpstreamCall, Usage
from core.costs.call_marks import CallMarks
from core.costs.group_ledger import GroupLedger, LedgerEntry
from core.errors import BudgetExceeded, DatabaseBusy, DiskFull, KeyRefused, StorageError
from core.keys import GatewayKey, KeyBudget, KeyScopes
from core.records import Records, open_records
from core.settings import BudgetSettings
from tests.core.costs.test_budget_gate import PROMPT, REQUEST, Models, call, committed, hard
from tests.databases import on_postgresql, on_sqlite


class Desk:
    """A group ledger over a database, and one key."""

    def __init__(self, records: Records, budgets: BudgetSettings | None = None) -> None:
        self.records = records
        self.budgets = budgets

    async def open(
        self, scopes: KeyScopes | None = None, *, marked: bool = False, name: str = "desk"
    ) -> Desk:
        self.key, self.secret = await self.records.keys.create(name, scopes)
        self.ring = await self.records.keys.ring()
        self.ledger = GroupLedger(
            self.records.database,
            Models(),
            self.budgets,
            self.ring,
            self.records.ledger.recover,
            marks=CallMarks.of(self.records.database, self.ring) if marked else None,
            retry_after=0.01,
        )
        return self

    def entry(self, key: GatewayKey | None = None) -> LedgerEntry:
        place = {"session_id": None, "message_id": None, "feature": "gateway", "key_id": self.key.id}
        return self.ledger.entry(place, key or self.key, lambda: self.ring.find(self.secret))

    async def outcomes(self) -> dict[str, str]:
        return {row.call_id: row.outcome for row in await self.records.ledger.rows()}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - the ledger's progress is all there is to see
            await asyncio.sleep(0)


@contextmanager
def locked(location: str | Path) -> Iterator[None]:
    """Another program writes to the SQLite file, and takes its time."""
    with closing(sqlite3.connect(location, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def without_patience(records: Records) -> None:
    """Wait no more than a moment for other programs."""
    await records.database.read(lambda c: c.exec_driver_sql("PRAGMA busy_timeout = 10").all())


def ended(made: UpstreamCall, tokens: int, outcome: str = "answered") -> UpstreamCall:
    return replace(made, outcome=outcome, usage=Usage(PROMPT, tokens))


@pytest.fixture
async def records(location: str | Path) -> AsyncIterator[Records]:
    records = await open_records(location, Models())
    yield records
    await records.aclose()


@pytest.mark.parametrize("seed", range(3))
async def test_no_interleaving_passes_a_limit_or_loses_a_row(records: Records, seed: int) -> None:
    chance, of_key, of_day = Random(seed), Decimal("0.06"), Decimal("0.08")
    desk = await Desk(records, hard(day=float(of_day))).open(KeyScopes(budgets=(KeyBudget("month", of_key),)))
    admitted: dict[str, str] = {}
    refusals = 0

    async def one(number: int) -> None:
        nonlocal refusals
        made, entry = call(), desk.entry()
        for _ in range(chance.randrange(4)):
            await asyncio.sleep(0)
        try:
            cap = await entry.admit(made, REQUEST, 1_000)
        except BudgetExceeded:
            refusals += 1
            return
        outcome = admitted[made.call_id] = "answered"
        try:
            assert await committed(records.database) <= of_key
        except asyncio.CancelledError:
            outcome = admitted[made.call_id] = "cancelled"
            raise
        finally:
            entry.call_ended(ended(made, chance.randrange(cap or 1_000), outcome))

    tasks = [asyncio.create_task(one(number)) for number in range(100)]
    for task in chance.sample(tasks, 20):
        asyncio.get_running_loop().call_later(chance.random() / 50, task.cancel)
    await asyncio.wait(tasks)
    await desk.ledger.aclose()
    assert refusals
    assert await desk.outcomes() == admitted
    assert await committed(records.database) <= of_key


async def test_a_call_that_is_given_up_before_it_is_sent_leaves_no_row(records: Records) -> None:
    desk = await Desk(records, hard(day=1)).open()
    asking = [asyncio.create_task(desk.entry().admit(call(), REQUEST, 100)) for _ in range(5)]
    await asyncio.sleep(0)
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)
    await desk.ledger.aclose()
    assert await desk.outcomes() == {}
    assert await committed(records.database) == 0


async def test_a_key_revoked_by_another_process_admits_nothing_more(records: Records) -> None:
    desk = await Desk(records).open()
    entry, made = desk.entry(), call()
    assert await entry.admit(made, REQUEST, 100) == 100
    await records.keys.revoke("desk")
    with pytest.raises(KeyRefused) as refused:
        await entry.admit(call(), REQUEST, 100)
    assert refused.value.code == "revoked"
    entry.call_ended(ended(made, 10))
    await desk.ledger.aclose()


@on_sqlite
async def test_a_full_disk_refuses_new_calls_and_settles_the_others_later(records: Records) -> None:
    desk = await Desk(records).open()
    running = [call() for _ in range(40)]
    entry = desk.entry()
    for made in running:
        await entry.admit(made, REQUEST, 100)
    database = records.database
    pages = await database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.read(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}").all())
    further = [call() for _ in range(500)]
    asking = (entry.admit(made, REQUEST, 100) for made in further)
    granted = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(answer) for answer in granted} <= {int, DiskFull}
    assert any(isinstance(answer, DiskFull) for answer in granted)
    running += [made for made, answer in zip(further, granted, strict=True) if answer == 100]
    for made in running:
        entry.call_ended(ended(made, 10))
    await database.read(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").all())
    await desk.ledger.aclose()
    assert desk.ledger.failure is None
    assert await desk.outcomes() == {made.call_id: "answered" for made in running}


@on_sqlite
async def test_a_full_disk_at_settlement_heals_by_itself(records: Records) -> None:
    desk = await Desk(records).open()
    running = [call() for _ in range(40)]
    for made in running:
        await desk.entry().admit(made, REQUEST, 100)
    database = records.database
    pages = await database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.read(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}").all())
    for made in running:
        desk.ledger.ended(replace(ended(made, 10, "failed"), error="x" * 2_000))
    await until(lambda: isinstance(desk.ledger.failure, DiskFull))
    assert desk.ledger.unsettled == 40
    await database.read(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").all())
    await until(lambda: desk.ledger.failure is None)
    assert desk.ledger.unsettled == 0
    assert set((await desk.outcomes()).values()) == {"failed"}


@on_sqlite
async def test_what_another_program_keeps_from_being_booked_is_booked_later(
    records: Records, location: str | Path
) -> None:
    await without_patience(records)
    desk = await Desk(records).open()
    made = call()
    await desk.entry().admit(made, REQUEST, 100)
    with locked(location):
        desk.ledger.ended(ended(made, 10))
        with pytest.raises(DatabaseBusy):
            await desk.entry().admit(call(), REQUEST, 100)
        assert isinstance(desk.ledger.failure, DatabaseBusy)
        assert desk.ledger.unsettled == 1
    await until(lambda: desk.ledger.failure is None)
    assert await desk.outcomes() == {made.call_id: "answered"}


async def test_a_database_that_works_again_is_noticed_without_a_call(records: Records) -> None:
    desk = await Desk(records).open()
    broken = "ALTER TABLE calls RENAME TO calls_away", "ALTER TABLE calls_away RENAME TO calls"
    await records.database.run(lambda c: c.exec_driver_sql(broken[0]))
    with pytest.raises(StorageError):
        await desk.entry().admit(call(), REQUEST, 100)
    assert desk.ledger.failure is not None
    await records.database.run(lambda c: c.exec_driver_sql(broken[1]))
    await until(lambda: desk.ledger.failure is None)


@on_sqlite
async def test_a_call_given_up_while_its_transaction_fails_leaves_no_row(
    records: Records, location: str | Path
) -> None:
    await without_patience(records)
    desk = await Desk(records, hard(day=1)).open()
    begun, go = threading.Event(), threading.Event()
    records.database.offload(lambda: (begun.set(), go.wait()))
    with locked(location):
        asking = asyncio.create_task(desk.entry().admit(call(), REQUEST, 100))
        await until(begun.is_set)
        await asyncio.sleep(0)  # it is in the transaction now that waits for the worker
        asking.cancel()
        await asyncio.wait([asking])
        assert asking.cancelled()
        go.set()
        await until(lambda: desk.ledger.failure is not None)
    await desk.ledger.aclose()
    assert desk.ledger.failure is None
    assert await desk.outcomes() == {}
    assert await committed(records.database) == 0


@on_sqlite
async def test_closing_waits_for_a_database_that_is_locked_a_while(
    records: Records, location: str | Path
) -> None:
    await without_patience(records)
    desk = await Desk(records).open()
    made = call()
    await desk.entry().admit(made, REQUEST, 100)
    with locked(location):
        desk.ledger.ended(ended(made, 10))
        closing_it = asyncio.create_task(desk.ledger.aclose())
        await until(lambda: desk.ledger.failure is not None)
        assert not closing_it.done()
    await closing_it
    assert desk.ledger.unsettled == 0
    assert await desk.outcomes() == {made.call_id: "answered"}


@on_sqlite
async def test_what_cannot_be_settled_in_the_end_is_told_and_found_by_the_next(
    records: Records, location: str | Path
) -> None:
    await without_patience(records)
    desk = await Desk(records, hard(day=1)).open()
    made = call()
    await desk.entry().admit(made, REQUEST, 100)
    with locked(location):
        desk.ledger.ended(ended(made, 10))
        await desk.ledger.aclose(patience=0.05)
        assert desk.ledger.unsettled == 1
        assert isinstance(desk.ledger.failure, DatabaseBusy)
    await records.aclose()
    following = await open_records(location, Models())
    (row,) = await following.ledger.rows()
    assert row.outcome == "crashed"
    assert row.cost == row.reserved
    await following.aclose()


@pytest.mark.parametrize("feature", ["gateway", "chat"])
async def test_a_crashed_call_is_booked_by_the_most_it_may_have_cost_without_any_limit(
    location: str | Path, records: Records, feature: str
) -> None:
    desk = await Desk(records).open()
    entry = desk.entry()
    entry.place = {**entry.place, "feature": feature}
    await entry.admit(call(), REQUEST, 100)
    await records.aclose()
    following = await open_records(location, Models())
    (row,) = await following.ledger.rows()
    assert (row.outcome, row.estimated) == ("crashed", True)
    assert row.cost is not None
    assert row.cost == row.reserved > 0
    await following.aclose()


async def test_closing_waits_for_calls_that_are_about_to_end(records: Records) -> None:
    desk = await Desk(records).open()
    made = call()
    await desk.entry().admit(made, REQUEST, 100)
    closing_it = asyncio.create_task(desk.ledger.aclose())
    await asyncio.sleep(0)
    assert not closing_it.done()
    desk.ledger.ended(ended(made, 10, "cancelled"))
    await closing_it
    assert await desk.outcomes() == {made.call_id: "cancelled"}


@on_postgresql
async def test_a_call_the_database_does_not_take_keeps_no_other_from_being_booked(
    records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    desk = await Desk(records).open()
    odd, even = call(), call()
    for made in (odd, even):
        await desk.entry().admit(made, REQUEST, 100)
    desk.ledger.ended(replace(odd, outcome="answered", usage=Usage(1, 1, completion_time=1e300)))
    desk.ledger.ended(ended(even, 10))
    following = call()
    await desk.entry().admit(following, REQUEST, 100)
    assert await desk.outcomes() == {
        odd.call_id: "running",
        even.call_id: "answered",
        following.call_id: "running",
    }
    assert desk.ledger.failure is None
    assert odd.call_id in caplog.text
    desk.ledger.ended(ended(following, 10))
    await desk.ledger.aclose()


@on_postgresql
async def test_a_server_has_no_marks(records: Records) -> None:
    assert CallMarks.of(records.database, await records.keys.ring()) is None


async def test_a_database_in_memory_has_no_marks() -> None:
    records = await open_records(":memory:", Models())
    desk = await Desk(records).open(marked=True)
    assert CallMarks.of(records.database, desk.ring) is None
    made = call()
    assert await desk.entry().admit(made, REQUEST, 100) == 100
    assert await desk.outcomes() == {made.call_id: "running"}
    desk.ledger.ended(ended(made, 10))
    await desk.ledger.aclose()
    await records.aclose()
