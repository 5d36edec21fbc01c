"""Days and moments as people type them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.costs.periods import Period
from core.errors import InputError
from core.review.spans import SPANS, span

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)


@pytest.fixture(autouse=True, scope="module")
def _in_berlin() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("typed", "since", "until"),
    [
        ("2026-03-29", utc(2026, 3, 28, 23), utc(2026, 3, 29, 22)),  # summer time began: 23 hours
        ("2026-02", utc(2026, 1, 31, 23), utc(2026, 2, 28, 23)),
        ("today", utc(2026, 3, 30, 22), utc(2026, 3, 31, 22)),
        (" Yesterday ", utc(2026, 3, 29, 22), utc(2026, 3, 30, 22)),
        ("week", utc(2026, 3, 29, 22), utc(2026, 4, 5, 22)),
        ("month", utc(2026, 2, 28, 23), utc(2026, 3, 31, 22)),
        ("7d", utc(2026, 3, 23, 23), utc(2026, 3, 24, 23)),
        ("2w", utc(2026, 3, 16, 23), utc(2026, 3, 17, 23)),
        ("1m", utc(2026, 2, 27, 23), utc(2026, 2, 28, 23)),  # there is no 31st of February
        ("2026-03-31T09:30", utc(2026, 3, 31, 7, 30), utc(2026, 3, 31, 7, 30)),
        ("2026-03-31 09:30Z", utc(2026, 3, 31, 9, 30), utc(2026, 3, 31, 9, 30)),
    ],
)
def test_what_is_meant(typed: str, since: datetime, until: datetime) -> None:
    assert span(typed, NOW) == Period(since, until)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "soon",
        "2026-13",
        "2026-02-30",
        "22.11.2026",
        "0d7",
        "-7d",
        "999999d",
        "999999w",
        "999999m",
        "0001-01-01",
    ],
)
def test_what_cannot_be_read_is_told_with_examples(typed: str) -> None:
    with pytest.raises(InputError) as refused:
        span(typed, NOW)
    assert repr(typed) in str(refused.value)
    assert SPANS in refused.value.hint


def test_every_example_can_be_read() -> None:
    assert all(span(example, NOW).since for example in SPANS.split(", "))


@given(st.dates(date(1972, 1, 1), date(2200, 1, 1)))
def test_days_meet_without_gap_or_overlap(day: date) -> None:
    assert span(day.isoformat(), NOW).until == span((day + timedelta(days=1)).isoformat(), NOW).since


@given(st.text(max_size=12))
def test_anything_typed_is_read_or_refused(typed: str) -> None:
    try:
        found = span(typed, NOW)
    except InputError:
        return
    assert found.since is not None
    assert found.until is not None
    assert found.since <= found.until
