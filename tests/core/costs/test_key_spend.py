"""What was spent with a key is the exact sum of its rows, whatever happened to them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, RowMapping, insert, select

from core.catalogue import load_catalogue
from core.costs.key_budgets import key_standings
from core.costs.key_spend import KeySpend, key_spend_of
from core.costs.periods import Period, period
from core.keys import GatewayKey, KeyBudget, KeyScopes, KeySecret
from core.records import Records, open_records
from core.storage.tables import calls, key_spend
from tests.core.review.sequences import Crash, Delete, Step, Update, Write, moments, play, rows

HARD = Decimal(1_000)
SCOPES = KeyScopes(budgets=tuple(KeyBudget(name, HARD) for name in ("day", "week", "month", "total")))
KEYS = [
    GatewayKey(name, name, KeySecret(name, name), SCOPES, datetime(2026, 1, 1, tzinfo=UTC))
    for name in ("k1", "k2")
]

of_keys = st.tuples(rows, st.sampled_from([None, "k1", "k2"]), st.none() | st.decimals(0, 10, places=12)).map(
    lambda made: {**made[0], "key_id": made[1], "reserved": made[2]}
)
which = st.integers(0, 100)
steps = st.lists(
    st.one_of(
        st.builds(Write, of_keys),
        st.builds(Update, which, of_keys),
        st.builds(Delete, which),
        st.just(Crash()),
    ),
    max_size=25,
)


@pytest.fixture
async def records(location: str | Path) -> AsyncIterator[Records]:
    records = await open_records(location, load_catalogue())
    yield records
    await records.aclose()


def of_key(connection: Connection, key: GatewayKey) -> list[RowMapping]:
    query = select(calls).where(calls.c.key_id == key.id)
    return list(connection.execute(query).mappings())


def total(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def summed(made: list[RowMapping]) -> KeySpend:
    ended = [row for row in made if row["outcome"] != "running"]
    return KeySpend(
        calls=len(ended),
        unknown_price_calls=len([row for row in ended if row["cost"] is None]),
        prompt_tokens=sum(row["prompt_tokens"] for row in ended),
        completion_tokens=sum(row["completion_tokens"] for row in ended),
        cost=total(row["cost"] for row in ended),
        estimated_cost=total(row["cost"] for row in ended if row["estimated"]),
        last_used=max((row["started_at"] for row in made), default=None),
    )


def within(made: list[RowMapping], stretch: Period) -> list[RowMapping]:
    return [row for row in made if stretch.since is None or row["started_at"] >= stretch.since]


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps, moments)
async def test_sums_and_standings(records: Records, sequence: list[Step], now: datetime) -> None:
    await play(records, sequence)

    def check(connection: Connection) -> None:
        for key, spend in zip(KEYS, key_spend_of(connection, KEYS), strict=True):
            made = of_key(connection, key)
            assert spend == summed(made)
            standings = key_standings(connection, key, now)
            assert [each.budget.scope for each in standings] == [budget.period for budget in SCOPES.budgets]
            held = total(row["reserved"] for row in made if row["outcome"] == "running")
            for name, each in zip(("today", "week", "month", "all"), standings, strict=True):
                counted = within(made, period(name, now))
                assert each.spent == total(row["cost"] for row in counted if row["outcome"] != "running")
                assert each.reserved == held
                assert each.left == max(Decimal(0), HARD - each.spent - each.reserved)
        swept = connection.execute(select(key_spend).where(key_spend.c.calls == 0)).all()
        assert swept == []

    await records.database.read(check)


async def test_a_key_without_budgets_has_no_standings(records: Records) -> None:
    key, _ = await records.keys.create("plain")
    assert await records.database.read(key_standings, key, datetime.now(UTC)) == []
    nothing = KeySpend(0, 0, 0, 0, Decimal(0), Decimal(0), None)
    assert await records.database.read(key_spend_of, [key]) == [nothing]


async def test_a_running_call_holds_its_reservation_until_it_is_settled(records: Records) -> None:
    now = datetime.now(UTC)
    key, _ = await records.keys.create("editor", KeyScopes(budgets=(KeyBudget("day", Decimal(1)),)))
    row: dict[str, Any] = {
        "call_id": "c", "feature": "chat", "route": "r", "provider": "p", "model": "m", "reason": "first",
        "started_at": now, "outcome": "running", "prompt_tokens": 10, "completion_tokens": 0,
        "cached_tokens": 0, "reasoning_tokens": 0, "estimated": True, "reserved": Decimal("0.4"),
        "key_id": key.id,
    }  # fmt: skip
    await records.database.run(lambda connection: connection.execute(insert(calls), row))
    (held,) = await records.database.read(key_standings, key, now)
    assert (held.spent, held.reserved, held.left) == (0, Decimal("0.4"), Decimal("0.6"))
    ended = {"outcome": "answered", "cost": Decimal("0.25"), "estimated": False}
    await records.database.run(lambda connection: connection.execute(calls.update().values(ended)))
    (settled,) = await records.database.read(key_standings, key, now)
    assert (settled.spent, settled.reserved, settled.left) == (Decimal("0.25"), 0, Decimal("0.75"))
    assert settled.period.refills_at is not None
