"""The ledger of many requests: no interleaving passes a hard limit, and no row is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from core.chat import UpstreamCall, Usage
from core.costs.group_ledger import GroupLedger, LedgerEntry
from core.errors import BudgetExceeded, DiskFull, KeyRefused
from core.keys import GatewayKey, KeyBudget, KeyScopes
from core.records import Records, open_records
from core.settings import BudgetSettings
from tests.core.costs.test_budget_gate import PROMPT, REQUEST, Models, call, committed, hard
from tests.databases import on_sqlite


class Desk:
    """A group ledger over a database, and one key."""

    def __init__(self, records: Records, budgets: BudgetSettings | None = None) -> None:
        self.records = records
        self.budgets = budgets

    async def open(self, scopes: KeyScopes | None = None) -> Desk:
        self.key, self.secret = await self.records.keys.create("desk", scopes)
        self.ring = await self.records.keys.ring()
        self.ledger = GroupLedger(
            self.records.database, Models(), self.budgets, self.ring, self.records.ledger.recover
        )
        return self

    def entry(self, key: GatewayKey | None = None) -> LedgerEntry:
        place = {"session_id": None, "message_id": None, "feature": "gateway", "key_id": self.key.id}
        return self.ledger.entry(place, key or self.key, lambda: self.ring.find(self.secret))

    async def outcomes(self) -> dict[str, str]:
        return {row.call_id: row.outcome for row in await self.records.ledger.rows()}


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
    entry = desk.entry()
    assert await entry.admit(call(), REQUEST, 100) == 100
    await records.keys.revoke("desk")
    with pytest.raises(KeyRefused) as refused:
        await entry.admit(call(), REQUEST, 100)
    assert refused.value.code == "revoked"
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
    with pytest.raises(DiskFull):
        await asyncio.gather(*(entry.admit(call(), REQUEST, 100) for _ in range(500)))
    for made in running:
        entry.call_ended(ended(made, 10))
    await database.read(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").all())
    await desk.ledger.aclose()
    assert desk.ledger.failure is None
    outcomes = await desk.outcomes()
    assert {outcomes[made.call_id] for made in running} == {"answered"}
