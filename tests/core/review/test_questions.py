"""What people ask of their spend, answered as a look at each call would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalogue import LongPromptPrice, Price, load_catalogue
from core.chat import Usage
from core.costs.ledger_records import CallRecord
from core.costs.periods import local_midnight, month_start
from core.records import Records, open_records
from core.review import DetourKind, Scope
from core.review.forecast import LOOKED_BACK, forecast
from tests.core.review.plain_sums import ended
from tests.core.review.sequences import NOW, Step, examples, play, steps

FLAT = Price("flat", Decimal("0.15"), Decimal("0.75"), Decimal("0.075"))
STEPPED = Price(
    "stepped",
    Decimal("0.15"),
    Decimal("0.75"),
    long_prompt=(LongPromptPrice(100_000, Decimal("0.3"), Decimal("1.5"), Decimal("0.2")),),
)


@pytest.fixture
async def records(location: str | Path) -> AsyncIterator[Records]:
    records = await open_records(location, load_catalogue())
    yield records
    await records.aclose()


def detour_of(call: CallRecord) -> DetourKind | None:
    if call.feature == "speculation":
        return "speculation"
    if call.role != "first":
        return call.role
    return {"cancelled": "stopped", "interrupted": "broken", "crashed": "broken"}.get(call.outcome)


@examples
@given(steps)
async def test_every_detour_is_counted_once(records: Records, sequence: list[Step]) -> None:
    await play(records, sequence)
    expected: dict[DetourKind, list[CallRecord]] = {}
    for call in ended(await records.ledger.rows()):
        if (kind := detour_of(call)) is not None:
            expected.setdefault(kind, []).append(call)
    detours = {detour.kind: detour for detour in await records.review.detours()}
    assert detours.keys() == expected.keys()
    for kind, calls in expected.items():
        assert detours[kind].calls == len(calls)
        assert detours[kind].cost == sum(call.cost or 0 for call in calls)
        assert detours[kind].estimated_cost == sum(call.cost or 0 for call in calls if call.estimated)


@pytest.mark.parametrize("price", [FLAT, STEPPED], ids=lambda price: price.id)
@examples
@given(steps, st.sampled_from([Scope(), Scope(session_id="s1"), Scope(since=NOW), Scope(until=NOW)]))
async def test_another_price_is_that_of_call_by_call(
    records: Records, price: Price, sequence: list[Step], scope: Scope
) -> None:
    await play(records, sequence)
    calls = [
        call
        for call in ended(await records.ledger.rows())
        if (scope.session_id is None or call.session_id == scope.session_id)
        and (scope.since is None or call.started_at >= scope.since)
        and (scope.until is None or call.started_at < scope.until)
    ]
    with_tokens = [
        call
        for call in calls
        if call.feature not in {"transcription", "speech"} and call.prompt_tokens + call.completion_tokens
    ]
    priced = [call for call in with_tokens if call.cost is not None]
    answer = await records.review.repriced(price, scope)
    assert (answer.price, answer.calls, answer.left_out) == (
        price,
        len(priced),
        len(calls) - len(with_tokens),
    )
    assert answer.actual == sum(call.cost or 0 for call in priced)
    assert answer.instead == sum(
        price.cost(Usage(call.prompt_tokens, call.completion_tokens, call.cached_tokens)) for call in priced
    )
    assert answer.unknown_price_calls == len(with_tokens) - len(priced)


@examples
@given(steps)
async def test_the_forecast_reads_the_days_it_needs(records: Records, sequence: list[Step]) -> None:
    await play(records, sequence)
    spent_on: dict[date, Decimal] = {}
    estimated: set[date] = set()
    for call in ended(await records.ledger.rows()):
        day = call.started_at.astimezone().date()
        spent_on[day] = spent_on.get(day, Decimal(0)) + (call.cost or 0)
        if call.estimated and call.cost:
            estimated.add(day)
    today = NOW.astimezone().date()
    oldest = min(month_start(today, -1), today - timedelta(days=LOOKED_BACK))
    recent = {day: cost for day, cost in spent_on.items() if local_midnight(day) >= local_midnight(oldest)}
    found = await records.review.month_forecast(NOW)
    assert found == forecast(recent, today, estimated)


@pytest.mark.parametrize(
    ("day", "rests_on_it"),
    [
        (None, set()),
        (date(2026, 11, 22), {"spent", "projected"}),  # today, which is not over
        (date(2026, 11, 20), {"spent", "a_day", "projected"}),
        (date(2026, 10, 28), {"a_day", "projected", "last_month"}),
        (date(2026, 10, 24), {"last_month"}),
        (date(2026, 10, 22), {"last_month", "last_month_by_now"}),
        (date(2026, 9, 30), set()),
    ],
)
def test_a_forecast_tells_which_of_its_sums_rest_on_an_estimate(
    day: date | None, rests_on_it: set[str]
) -> None:
    spent_on = {date(2026, 9, 1): Decimal(1)} | ({day: Decimal(1)} if day else {})
    assert forecast(spent_on, date(2026, 11, 22), {day} if day else ()).estimated == rests_on_it


def test_a_month_that_is_over_today_rests_on_what_was_spent_alone() -> None:
    spent_on = {date(2026, 10, 31): Decimal(1), date(2026, 11, 29): Decimal(2)}
    told = forecast(spent_on, date(2026, 11, 30), {date(2026, 10, 31)})
    assert told.days_left == 0
    assert told.estimated == {"last_month"}


@dataclass(frozen=True)
class Case:
    spent_on: dict[date, int]
    today: date
    expected: tuple[int, int, int, int, int, int]
    """spent, a_day, days_left, projected, last_month, last_month_by_now"""


@pytest.mark.parametrize(
    "case",
    [
        Case({}, date(2026, 2, 28), (0, 0, 0, 0, 0, 0)),
        Case({date(2026, 11, 22): 3}, date(2026, 11, 22), (3, 3, 8, 27, 0, 0)),  # the first day of use
        Case({date(2026, 11, 20): 4, date(2026, 11, 22): 9}, date(2026, 11, 22), (13, 2, 8, 29, 0, 0)),
        Case({date(2026, 10, 25): 28, date(2026, 10, 24): 5}, date(2026, 11, 22), (0, 1, 8, 8, 33, 0)),
        Case({date(2026, 10, 22): 7, date(2026, 10, 23): 1}, date(2026, 11, 22), (0, 0, 8, 0, 8, 7)),
        Case({date(2026, 2, 28): 6}, date(2026, 3, 31), (0, 0, 0, 0, 6, 6)),  # February has no 31st
        Case({date(2025, 12, 31): 62}, date(2026, 1, 1), (0, 62, 30, 1860, 62, 0)),
        Case({date(2026, 11, 30): 5}, date(2026, 11, 22), (5, 0, 8, 5, 0, 0)),  # the clock was ahead
    ],
)
def test_where_the_month_is_heading(case: Case) -> None:
    told = forecast({day: Decimal(cost) for day, cost in case.spent_on.items()}, case.today)
    assert (
        told.spent,
        told.a_day,
        told.days_left,
        told.projected,
        told.last_month,
        told.last_month_by_now,
    ) == case.expected


@given(
    st.dictionaries(
        st.dates(date(2026, 1, 1), date(2026, 12, 31)), st.decimals(0, 10, places=6), max_size=40
    ),
    st.dates(date(2026, 3, 1), date(2026, 11, 30)),
)
def test_a_forecast_never_falls_below_what_is_spent(spent_on: dict[date, Decimal], today: date) -> None:
    told = forecast(spent_on, today)
    assert (
        told.projected
        >= told.spent
        == sum(
            (cost for day, cost in spent_on.items() if (day.year, day.month) == (today.year, today.month)),
            Decimal(0),
        )
    )
    assert told.last_month >= told.last_month_by_now >= 0
    assert 0 <= told.days_left <= 30
