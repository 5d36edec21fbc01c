"""Durations in Go's notation."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.simulator.go_duration import go_duration

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (7.66, "7.66s"),
        (179.56, "2m59.56s"),
        (0.644, "644ms"),
        (0.0001715, "171.5µs"),
        (60, "1m0s"),
        (3600, "1h0m0s"),
        (578.016, "9m38.016s"),
        (6.780999999, "6.780999999s"),
        (86_400, "24h0m0s"),
    ],
)
def test_prints_as_go_does(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


@given(st.floats(min_value=0, max_value=1e6))
def test_says_the_number_to_the_nanosecond(seconds: float) -> None:
    parts = re.findall(r"([\d.]+)(h|ms|m|s|µs|ns)", go_duration(seconds))

    assert sum(float(number) * UNITS[unit] for number, unit in parts) == pytest.approx(seconds, abs=1.1e-9)
