"""Days, weeks and months by this machine's clock, in whole quarters of an hour."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.costs.periods import (
    Period,
    local_midnight,
    month_start,
    offsets,
    period,
    quarter_of,
    quarter_start,
    week_start,
)

_WHILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
moments = st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)


@pytest.fixture(
    params=["UTC", "Asia/Kathmandu", "Pacific/Chatham", "Australia/Lord_Howe", "America/Santiago",
            "Atlantic/Azores", "Africa/Casablanca", "Pacific/Apia"]
)  # fmt: skip
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if not hasattr(time, "tzset"):
        pytest.skip("the time zone of a process cannot be changed here")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@given(moments)
def test_a_moment_is_within_its_quarter(moment: datetime) -> None:
    start = quarter_start(quarter_of(moment))
    assert start <= moment < start + timedelta(minutes=15)
    assert quarter_of(start) == quarter_of(moment)


@pytest.mark.usefixtures("zone")
@_WHILE
@given(moments, st.timedeltas(timedelta(0), timedelta(days=2_000)), st.data())
def test_offsets_tell_how_far_the_clock_is_ahead(
    first: datetime, length: timedelta, data: st.DataObject
) -> None:
    last = first + length
    changes = offsets(first, last)
    assert [quarter for quarter, _ in changes] == sorted({quarter for quarter, _ in changes})
    assert all(one[1] != other[1] for one, other in pairwise(changes))
    for _ in range(10):
        quarter = data.draw(st.integers(quarter_of(first), quarter_of(last)))
        told = next(ahead for since, ahead in reversed(changes) if since <= quarter)
        moment = max(quarter_start(quarter), first)
        assert moment.astimezone().utcoffset() == timedelta(minutes=15 * told)


@pytest.mark.usefixtures("zone")
@_WHILE
@given(moments)
def test_a_period_begins_at_a_local_midnight_and_has_no_end(now: datetime) -> None:
    today = now.astimezone().date()
    starts = {
        "today": today,
        "week": today - timedelta(days=today.weekday()),
        "month": today.replace(day=1),
    }
    for name, day in starts.items():
        assert period(name, now) == Period(local_midnight(day))
    assert period("all", now) == Period()
    assert period("month", now).since <= period("today", now).since <= now


@given(st.dates(date(2, 1, 1), date(9998, 1, 1)), st.integers(-11, 11))
def test_weeks_begin_on_monday_and_months_on_the_first(day: date, months: int) -> None:
    monday = week_start(day)
    assert monday.weekday() == 0
    assert timedelta(0) <= day - monday < timedelta(days=7)
    start = month_start(day, months)
    assert start.day == 1
    assert start.year * 12 + start.month == day.year * 12 + day.month + months
