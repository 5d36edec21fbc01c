"""How long and how much, as people type it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.keys_options import Budget, Duration, Expiry, Names
from core.keys import PERIODS, KeyBudget, KeyPeriod

UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@given(st.integers(0, 99_999), st.sampled_from(list(UNITS)))
def test_hours_days_and_weeks(number: int, unit: str) -> None:
    assert Duration().convert(f" {number}{unit.upper()} ", None, None) == number * UNITS[unit]


@given(st.integers(1, 10**12), st.sampled_from(PERIODS))
def test_budgets(millionths: int, period: KeyPeriod) -> None:
    amount = Decimal(millionths) / 10**6
    for text in (f"{amount:f}/{period}", f"${amount:f}/{period.upper()}"):
        assert Budget().convert(text, None, None) == KeyBudget(period, amount)


@given(st.lists(st.sampled_from(["a", "b*", "c/d"])))
def test_names_are_kept_in_order_and_once(names: list[str]) -> None:
    assert Names().convert(" , ".join(names), None, None) == tuple(dict.fromkeys(names))


@given(st.dates(datetime(2027, 1, 1).date(), datetime(2100, 1, 1).date()))  # noqa: DTZ001 - days have no zone
def test_a_day_is_over_with_its_midnight(day: datetime) -> None:
    ends = Expiry().convert(day.isoformat(), None, None)
    assert ends.astimezone().isoformat()[:19] == f"{day + timedelta(days=1)}T00:00:00"


def test_a_moment_and_a_time_from_now() -> None:
    assert Expiry().convert("2027-01-31T18:00+02:00", None, None) == datetime(2027, 1, 31, 16, tzinfo=UTC)
    before = datetime.now(UTC)
    ends = Expiry().convert("30d", None, None)
    assert before <= ends - timedelta(days=30) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((Duration(), text) for text in ("", "h", "1", "-1h", "1m", "1.5h", "1h2h", "٣d")),
        *((Budget(), text) for text in ("", "5", "5/year", "-1/day", "1e3/day", "NaN/day", "/day", "1/")),
        *(
            (Expiry(), text)
            for text in ("", "soon", "2027-13-01", "9999-12-31", "999999w", "2027-01-31T99:00")
        ),
    ],
)
def test_what_cannot_be_read_is_refused(kind: click.ParamType, text: str) -> None:
    with pytest.raises(click.BadParameter):
        kind.convert(text, None, None)
