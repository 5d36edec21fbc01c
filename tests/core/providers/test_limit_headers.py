from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat import RateLimits
from core.providers.limit_headers import go_duration, rate_limits, retry_after


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2m59.56s", 179.56),
        ("7.66s", 7.66),
        ("120ms", 0.12),
        ("1h2m3s", 3723),
        ("6m0s", 360),
        ("500µs", 0.0005),
        ("500us", 0.0005),
        ("1d2h", 93600),
        (" 12 ", 12),
        ("0s", 0),
        ("", None),
        ("soon", None),
        ("-5s", None),
        ("5s later", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_go_durations(text: str, seconds: float | None) -> None:
    assert go_duration(text) == (None if seconds is None else pytest.approx(seconds))


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59_999))
def test_a_duration_as_go_prints_it_reads_back(hours: int, minutes: int, milliseconds: int) -> None:
    text = f"{hours}h{minutes}m{milliseconds / 1000:g}s"
    assert go_duration(text) == pytest.approx(hours * 3600 + minutes * 60 + milliseconds / 1000, abs=1e-2)


@given(st.text(max_size=30))
def test_any_text_is_a_duration_or_none(text: str) -> None:
    seconds = go_duration(text)
    assert seconds is None or seconds >= 0


def test_groqs_headers() -> None:
    headers = {
        "x-ratelimit-limit-requests": "14400",
        "x-ratelimit-limit-tokens": "18000",
        "x-ratelimit-remaining-requests": "14370",
        "x-ratelimit-remaining-tokens": "17997",
        "x-ratelimit-reset-requests": "2m59.56s",
        "x-ratelimit-reset-tokens": "7.66s",
    }
    assert rate_limits(headers) == RateLimits(14400, 14370, 179.56, 18000, 17997, 7.66)


def test_no_headers_are_no_limits() -> None:
    assert rate_limits({"content-type": "application/json"}) is None
    assert rate_limits({"x-ratelimit-limit-requests": "plenty"}) is None


NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MESSAGE = "Rate limit reached on tokens per minute (TPM): Limit 6000. Please try again in 1m2.5s. Visit …"


@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after": "3"}, MESSAGE, 3),
        ({"retry-after": "63"}, MESSAGE, 62.5),
        ({"retry-after": "62"}, MESSAGE, 62),
        ({"retry-after": "64"}, MESSAGE, 64),
        ({"retry-after": "3", "retry-after-ms": "2961"}, "", 2.961),
        ({"retry-after": "Sun, 22 Nov 2026 12:00:30 GMT"}, "", 30),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, "", 0),
        ({"retry-after": "soon"}, MESSAGE, 62.5),
        ({"retry-after": "-4"}, MESSAGE, 62.5),
        ({"retry-after": "nan"}, MESSAGE, 62.5),
        ({}, MESSAGE, 62.5),
        ({}, "Please try again in 412ms.", 0.412),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7.66s"}, "", 7.66),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "7.66s"}, "", None),
        ({}, "slow down", None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], message: str, seconds: float | None) -> None:
    assert retry_after(headers, message, now=NOW) == (None if seconds is None else pytest.approx(seconds))


def test_a_date_is_compared_with_the_servers_own_clock() -> None:
    headers = {"retry-after": "Wed, 01 Jan 2020 00:00:10 GMT", "date": "Wed, 01 Jan 2020 00:00:00 GMT"}
    assert retry_after(headers) == 10
