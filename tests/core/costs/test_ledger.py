"""The ledger: a row for every call, whatever became of it, and sums that are exact."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from core.catalogue import Price
from core.chat import UpstreamCall, Usage
from core.costs.booking import booked_usage
from core.costs.call_buffer import CallBuffer
from core.costs.ledger import Ledger
from core.costs.ledger_records import Totals
from core.costs.periods import local_midnight
from core.errors import DiskFull, StorageError
from core.identifiers import new_id
from core.storage import Database, open_database
from core.storage.tables import messages, sessions
from tests.databases import NewDatabase, on_sqlite

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Prices:
    """Prices by model; asked on the worker thread only."""

    known: dict[str, Price] = field(
        default_factory=lambda: {
            "big": Price("p/big@1", Decimal("0.15"), Decimal("0.75"), Decimal("0.075")),
            "small": Price("p/small@1", Decimal("0.1"), Decimal("0.5")),
        }
    )

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        assert provider == "p"
        assert at.tzinfo is not None
        return self.known.get(model)

    def find(self, provider: str, model: str) -> None:
        return None


def call(**values: Any) -> UpstreamCall:
    defaults = {
        "call_id": new_id(),
        "route": "chat",
        "provider": "p",
        "model": "big",
        "reason": "first",
        "started_at": NOW,
    }
    return UpstreamCall(**(defaults | values))


@pytest.fixture
async def database(location: str | Path) -> AsyncIterator[Database]:
    async with await open_database(location) as database:
        yield database


@pytest.fixture
def ledger(database: Database) -> Ledger:
    return Ledger(database, Prices())


async def test_a_call_is_booked_at_its_start_and_settled_at_its_end(ledger: Ledger) -> None:
    observer = ledger.observer("session", "message")
    made = call(prompt_tokens_estimate=90)
    observer.call_started(made)
    (row,) = await ledger.rows("session")
    assert (row.outcome, row.prompt_tokens, row.estimated, row.cost) == ("running", 90, True, None)
    assert await ledger.totals() == Totals()

    made.outcome, made.finish_reason, made.request_id = "answered", "stop", "req_1"
    made.first_token, made.first_content, made.duration = 0.1, 0.2, 1.5
    made.usage = Usage(1_000, 200, 400, 50, queue_time=0.01, prompt_time=0.02, completion_time=0.3)
    observer.call_ended(made)
    made.model = "changed later"
    (row,) = await ledger.rows(message_id="message")
    assert row.outcome == "answered"
    assert (row.provider, row.model, row.route, row.feature) == ("p", "big", "chat", "chat")
    assert (row.prompt_tokens, row.completion_tokens) == (1_000, 200)
    assert (row.cached_tokens, row.reasoning_tokens) == (400, 50)
    assert row.cost == (600 * Decimal("0.15") + 400 * Decimal("0.075") + 200 * Decimal("0.75")) / 1_000_000
    assert (row.price_id, row.estimated, row.request_id) == ("p/big@1", False, "req_1")
    assert (row.first_token, row.first_content, row.duration) == (0.1, 0.2, 1.5)
    assert (row.queue_time, row.prompt_time, row.completion_time) == (0.01, 0.02, 0.3)
    assert row.started_at == NOW
    assert observer.failure is None


async def test_a_call_is_booked_even_if_its_start_was_not(ledger: Ledger) -> None:
    ledger.observer("s", None, "title").call_ended(call(outcome="answered", usage=Usage(1, 1)))
    (row,) = await ledger.rows()
    assert (row.feature, row.session_id, row.outcome) == ("title", "s", "answered")


@pytest.mark.parametrize(
    ("values", "usage"),
    [
        ({"outcome": "failed", "prompt_tokens_estimate": 50}, Usage()),
        (
            {"outcome": "failed", "prompt_tokens_estimate": 50, "output_characters": 8, "output_chunks": 1},
            Usage(50, 2, estimated=True),
        ),
        (
            {
                "outcome": "cancelled",
                "prompt_tokens_estimate": 50,
                "output_characters": 9,
                "output_chunks": 1,
            },
            Usage(50, 3, estimated=True),
        ),
        (
            {
                "outcome": "interrupted",
                "prompt_tokens_estimate": 5,
                "output_characters": 9,
                "output_chunks": 9,
            },
            Usage(5, 9, estimated=True),
        ),
        ({"outcome": "cancelled", "usage": Usage(7, 8), "prompt_tokens_estimate": 50}, Usage(7, 8)),
    ],
)
def test_usage_is_billed_or_estimated_and_says_which(values: dict[str, Any], usage: Usage) -> None:
    assert booked_usage(call(**values)) == usage


async def test_an_unknown_price_is_counted_and_not_guessed(ledger: Ledger) -> None:
    observer = ledger.observer("s")
    observer.call_ended(call(outcome="answered", model="new", usage=Usage(10, 10)))
    observer.call_ended(call(outcome="failed", model="new"))
    observer.call_ended(call(outcome="answered", usage=Usage(1_000_000, 0)))
    totals = await ledger.totals("s")
    assert (totals.calls, totals.unknown_price_calls) == (3, 1)
    assert totals.cost == Decimal("0.15")
    assert [row.cost for row in await ledger.rows("s")].count(None) == 1


calls_made = st.lists(
    st.builds(
        call,
        model=st.sampled_from(["big", "small", "unknown"]),
        started_at=st.integers(-100, 100).map(lambda hours: NOW + timedelta(hours=hours)),
        outcome=st.sampled_from(["answered", "failed", "cancelled", "interrupted"]),
        usage=st.none()
        | st.builds(Usage, st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**5)),
        prompt_tokens_estimate=st.integers(0, 10**5),
        output_characters=st.integers(0, 10**5),
        call_id=st.uuids().map(str),
        reason=st.sampled_from(["s1", "s2"]),  # the session, in this test
    ),
    max_size=25,
)


@given(calls_made, st.integers(-100, 100))
@settings(deadline=None, max_examples=40)
async def test_every_total_is_the_sum_of_its_rows(
    new_database: NewDatabase, made: list[UpstreamCall], hours: int
) -> None:
    with new_database() as location:
        async with await open_database(location) as database:
            ledger = Ledger(database, Prices())
            for one in made:
                observer = ledger.observer(one.reason)
                observer.call_started(one)
                observer.call_ended(one)
            since = NOW + timedelta(hours=hours)
            for session_id in (None, "s1", "s2"):
                for moment in (None, since):
                    rows = await ledger.rows(session_id, since=moment)
                    totals = await ledger.totals(session_id, moment)
                    known = [row for row in rows if row.cost is not None]
                    assert totals.calls == len(rows)
                    assert totals.cost == sum((row.cost for row in known), Decimal(0))
                    assert totals.estimated_cost == sum(
                        (row.cost for row in known if row.estimated), Decimal(0)
                    )
                    assert totals.billed_cost + totals.estimated_cost == totals.cost
                    assert totals.prompt_tokens == sum(row.prompt_tokens for row in rows)
                    assert totals.completion_tokens == sum(row.completion_tokens for row in rows)
                    assert totals.cached_tokens == sum(row.cached_tokens for row in rows)
                    assert totals.unknown_price_calls == len(rows) - len(known)
            rows = await ledger.rows()
            assert [row.started_at for row in rows] == sorted(one.started_at for one in made)
            for one in made:
                price = Prices().known.get(one.model)
                (row,) = [row for row in rows if row.call_id == one.call_id]
                if price is not None:
                    assert row.cost == price.cost(booked_usage(one))


@on_sqlite
async def test_failures_are_told_and_do_not_reach_the_call(ledger: Ledger, database: Database) -> None:
    observer = ledger.observer("s")
    pages = await database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.read(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}").all())
    for _ in range(50):
        observer.call_started(call(reason="x" * 1_000))
    await ledger.rows()
    assert isinstance(observer.failure, DiskFull)

    closed = ledger.observer("s")
    await database.aclose()
    closed.call_started(call())
    closed.call_ended(call(outcome="answered", usage=Usage(1, 1)))
    assert isinstance(closed.failure, StorageError)


async def test_a_price_list_that_breaks_is_told(database: Database) -> None:
    class Broken:
        def price(self, provider: str, model: str, at: datetime) -> Price | None:
            raise LookupError("no table")

    ledger = Ledger(database, Broken())
    observer = ledger.observer("s")
    observer.call_ended(call(outcome="answered", usage=Usage(1, 1)))
    await ledger.rows()
    assert isinstance(observer.failure, StorageError)
    assert "no table" in observer.failure.message


async def test_calls_before_there_is_a_ledger_are_booked_in_order(ledger: Ledger) -> None:
    buffer = CallBuffer()
    one, two = call(), call(model="small")
    buffer.call_started(one)
    one.outcome = "failed"
    buffer.call_ended(one)
    buffer.call_started(two)
    buffer.attach(ledger.observer("s"))
    two.outcome, two.usage = "answered", Usage(10, 10)
    buffer.call_ended(two)
    rows = await ledger.rows("s")
    assert {(row.model, row.outcome) for row in rows} == {("big", "failed"), ("small", "answered")}


async def test_calls_of_a_dead_process_are_settled_by_estimate(ledger: Ledger, database: Database) -> None:
    observer = ledger.observer("s", "m")
    observer.call_started(call(prompt_tokens_estimate=1_000, started_at=NOW))
    observer.call_started(call(prompt_tokens_estimate=1_000, started_at=NOW + timedelta(seconds=1)))

    def store_text(connection: Any) -> None:
        session = {"id": "s", "title": "t", "title_source": "words", "created_at": NOW, "updated_at": NOW}
        answer = {"id": "m", "session_id": "s", "role": "assistant", "text": "x" * 37, "reasoning": "abcd"}
        connection.execute(insert(sessions), session)
        connection.execute(insert(messages), {**answer, "state": "interrupted", "created_at": NOW})

    await database.run(store_text)
    assert await ledger.recover() == 0  # the process is this one
    database.is_alive = lambda _: False
    assert await ledger.recover() == 2
    assert await ledger.recover() == 0
    first, last = await ledger.rows("s")
    assert (first.outcome, first.completion_tokens) == ("crashed", 0)
    assert (last.outcome, last.prompt_tokens, last.completion_tokens) == ("crashed", 1_000, 11)
    assert last.estimated
    assert last.cost == Price("", Decimal("0.15"), Decimal("0.75")).cost(Usage(1_000, 11))


@pytest.fixture(params=["UTC", "America/New_York", "Australia/Lord_Howe"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process cannot be changed here")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
@given(st.dates(datetime(2000, 1, 1, tzinfo=UTC).date(), datetime(2037, 1, 1, tzinfo=UTC).date()))
def test_a_day_begins_at_local_midnight(day: Any) -> None:
    began = local_midnight(day)
    assert began.tzinfo is UTC
    assert began.astimezone().date() == day
    assert (began - timedelta(seconds=1)).astimezone().date() == day - timedelta(days=1)


async def test_today_counts_from_midnight(ledger: Ledger) -> None:
    observer = ledger.observer("s")
    midnight = local_midnight(datetime.now(UTC).astimezone().date())
    for seconds in (-1, 0, 1):
        started = midnight + timedelta(seconds=seconds)
        observer.call_ended(call(outcome="answered", usage=Usage(1, 0), started_at=started))
    assert (await ledger.today()).calls == 2
    assert (await ledger.totals()).calls == 3


@on_sqlite
async def test_sums_use_an_index(database: Database) -> None:
    def plans(connection: Any) -> list[str]:
        queries = ("session_id = 's'", "started_at >= 5", "outcome = 'running' AND writer = 'x'")
        return [
            str(
                connection.exec_driver_sql(
                    f"EXPLAIN QUERY PLAN SELECT sum(cost) FROM calls WHERE {where}"
                ).all()
            )
            for where in queries
        ]

    for plan, index in zip(
        await database.read(plans), ("session_id_started_at", "started_at", "running"), strict=True
    ):
        assert f"ix_calls_{index}" in plan
