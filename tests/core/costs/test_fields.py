"""Times, counts and amounts, however they are written; never a number that was not meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.costs.fields import dollars, dollars_or_refund, moment, past_moment, whole_number

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ZONES = st.timedeltas(timedelta(hours=-14), timedelta(hours=14)).map(
    lambda offset: timezone(timedelta(minutes=offset // timedelta(minutes=1)))
)
TIMES = st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30), timezones=ZONES)  # noqa: DTZ001  # the zones are drawn


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20T12:00:00Z",
        "2026-11-20 12:00:00",
        "2026-11-20 13:00:00+01",
        "2026-11-20T12:00:00.000000+00:00",
        "2026-11-20 12:00:00 UTC",
        1_795_176_000,
        "1795176000",
        1_795_176_000_000,
        Decimal("1795176000.0"),
    ],
)
def test_moments(written: Any) -> None:
    assert moment(written) == NOON


@pytest.mark.parametrize("written", ["2026-11-20", "20261120"])
def test_a_day_is_its_first_moment(written: str) -> None:
    assert moment(written) == NOON.replace(hour=0)


@given(TIMES)
def test_every_iso_time_is_read_exactly(time: datetime) -> None:
    assert moment(time.isoformat()) == time
    assert moment(time.isoformat(sep=" ")).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "written",
    [None, "", "soon", True, [], {}, -1, "1e999", 10**400, Decimal("NaN"), "0001-01-01", "2100-01-01"],
)
def test_no_moments(written: Any) -> None:
    with pytest.raises(ValueError, match=r"not a time|missing"):
        moment(written)


@given(st.integers(0, 10**12))
def test_counts_with_and_without_separators(number: int) -> None:
    assert whole_number(number) == number
    for written in (
        f"{number}",
        f"{number:,}",
        f"{number:_}",
        f"{number:,}".replace(",", " "),
        f"{number}.0",
    ):
        assert whole_number(written) == number


@given(st.decimals(0, 10**4, places=6))
def test_amounts_keep_their_digits(amount: Decimal) -> None:
    for written in (amount, f"{amount:f}", f"${amount:,}", f"US$ {amount:f}", f"{amount:f} USD"):
        read = dollars(written)
        assert read == amount
        assert read.as_tuple().exponent == -6


@given(st.decimals(-(10**4), 0, places=6))
def test_refunds_keep_their_digits(amount: Decimal) -> None:
    number = f"{-amount:,}"
    for written in (amount, f"-{number}", f"$-{number}", f"-${number}", f"- US$ {number}", f"-{number} USD"):
        assert dollars_or_refund(written) == amount
    if amount:
        with pytest.raises(ValueError, match="negative"):
            dollars(amount)


def test_a_moment_in_the_past() -> None:
    assert past_moment(NOON.isoformat(), NOON) == NOON
    with pytest.raises(ValueError, match="in the future"):
        past_moment(NOON.isoformat(), NOON - timedelta(microseconds=1))


@pytest.mark.parametrize("written", [None, "", " ", "null", "None"])
def test_what_is_left_out(written: Any) -> None:
    assert whole_number(written) is None
    assert dollars(written) is None


@pytest.mark.parametrize(
    "written",
    ["1,5", "0,123", "1.234,56", "12,34", "-1", "nan", "Infinity", "€3", "3 EUR", "x", True, [], "1e99"],
)
def test_what_is_no_amount_is_refused_not_guessed(written: Any) -> None:
    with pytest.raises(ValueError, match=r"not a number|negative|larger"):
        dollars(written)
