"""Time told from callbacks that are sometimes late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.engine.stream_clock import StreamClock

RATE = 16_000
BLOCK = 160
BEGAN = 100.0


@given(st.lists(st.floats(0, 0.05), min_size=10, max_size=200))
def test_late_callbacks_do_not_move_the_samples(delays: list[float]) -> None:
    clock = StreamClock(RATE)
    delays[-5] = 0.0
    for number, delay in enumerate(delays, 1):
        clock.observe(number * BLOCK, BEGAN + number * BLOCK / RATE + delay)
    position = len(delays) * BLOCK
    assert clock.time_of(position) == pytest.approx(BEGAN + position / RATE, abs=1e-9)
    assert clock.position_at(clock.time_of(position)) == pytest.approx(position)


def test_a_gap_is_followed() -> None:
    clock = StreamClock(RATE)
    for number in range(200):
        lost = 0.5 if number >= 100 else 0.0
        clock.observe(number * BLOCK, BEGAN + number * BLOCK / RATE + lost)
    assert clock.time_of(200 * BLOCK) == pytest.approx(BEGAN + 2.0 + 0.5)


def test_a_gap_that_is_known_is_followed_at_once() -> None:
    clock = StreamClock(RATE)
    for number in range(101):
        if number == 100:
            clock.restart()
        clock.observe(number * BLOCK, BEGAN + number * BLOCK / RATE + (0.5 if number == 100 else 0.0))
    assert clock.time_of(100 * BLOCK) == pytest.approx(BEGAN + 1.0 + 0.5)


def test_nothing_is_known_before_the_first_block() -> None:
    assert not StreamClock(RATE).running
