"""Days, weeks and months are those of the wall clock where the user is, in any zone."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import literal, select, union_all

from core.catalogue import load_catalogue
from core.chat import UpstreamCall, Usage
from core.costs.periods import local_midnight, month_start, week_start
from core.records import Records, open_records
from core.review import Dimension
from core.review.dimensions import FIRST_DAY, LAST_DAY, TIMES, day_of
from core.review.local_days import first_day
from tests.core.review.plain_sums import grouped, same
from tests.core.review.sequences import examples, play

EPOCH = date(1970, 1, 1)


@pytest.fixture
async def records(location: str | Path) -> AsyncIterator[Records]:
    records = await open_records(location, load_catalogue())
    yield records
    await records.aclose()


@pytest.fixture(
    params=[
        "UTC",
        "America/New_York",
        "America/Los_Angeles",
        "Asia/Kolkata",  # half an hour
        "Asia/Kathmandu",  # three quarters
        "Pacific/Chatham",  # three quarters, and daylight saving time
        "Australia/Lord_Howe",  # half an hour of daylight saving time
        "America/Santiago",  # daylight saving time begins at midnight, which there is not that day
        "Atlantic/Azores",  # daylight saving time ends at midnight, which comes twice that day
    ]
)
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process cannot be changed here")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


async def test_days_weeks_and_months_of_the_whole_calendar(records: Records) -> None:
    """Where months of leap years and others begin, and the ends of the calendar and beyond."""
    firsts = [date(year, month, 1) for year in (1600, 1900, 1999, 2000, 2100) for month in range(1, 13)]
    numbers = [(first - EPOCH).days + beside for first in firsts for beside in (-2, -1, 0, 1)]
    numbers += [FIRST_DAY, LAST_DAY, FIRST_DAY - 9, LAST_DAY + 9]

    def found(connection: Any, dimension: Dimension) -> list[int]:
        days = union_all(*(select(literal(number).label("day")) for number in numbers)).subquery()
        query = select(days.c.day, first_day(days.c.day, dimension))
        starts = dict([*connection.execute(query)])
        return [starts[number] for number in numbers]

    days = [EPOCH + timedelta(days=min(max(number, FIRST_DAY), LAST_DAY)) for number in numbers]
    for dimension, start in (("day", lambda day: day), ("week", week_start), ("month", month_start)):
        starts = await records.database.read(found, dimension)
        assert [day_of(number) for number in starts] == [start(day) for day in days]


@pytest.mark.usefixtures("zone")
async def test_the_first_hours_of_1970_are_on_the_day_before_in_the_west(records: Records) -> None:
    call = UpstreamCall("c", "r", "groq", "m", "first", datetime(1970, 1, 1, tzinfo=UTC))
    call.outcome = "answered"
    records.ledger.observer("s1").call_ended(call)
    day = call.started_at.astimezone().date()
    starts = {"day": day, "week": week_start(day), "month": month_start(day)}
    for dimension in TIMES:
        assert [group.keys for group in await records.review.groups((dimension,))] == [(starts[dimension],)]


near_midnight = st.tuples(
    st.dates(date(2024, 1, 1), date(2026, 12, 31)), st.integers(-9, 9), st.sampled_from([-1, 0, 1, 400])
)
"""A day, quarters of an hour from its midnight, and seconds beside that."""


@pytest.mark.usefixtures("zone")
@settings(examples, max_examples=10)
@given(st.lists(near_midnight, min_size=20, max_size=60))
async def test_days_weeks_and_months_are_those_of_the_wall(
    records: Records, moments: list[tuple[date, int, int]]
) -> None:
    await play(records, [])
    observer = records.ledger.observer("s1")
    for number, (day, quarters, seconds) in enumerate(moments):
        started = local_midnight(day) + timedelta(minutes=15 * quarters, seconds=seconds)
        call = UpstreamCall(f"c{number}", "r", "groq", "m", "first", started)
        call.outcome, call.usage = "answered", Usage(number, 1)
        observer.call_ended(call)
    rows = await records.ledger.rows()
    for by in (("day",), ("week",), ("month",), ("day", "month")):
        expected = grouped(rows, by)
        groups = await records.review.groups(by)
        assert {group.keys for group in groups} == set(expected)
        for group in groups:
            assert same(group.totals, expected[group.keys])
