"""Bars of a turn on a common axis: they stay on it, in order, whatever was measured."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.tui.review.waterfall import Bar, Piece, call_bar, pieces, span_of
from core.costs.ledger_records import CallRecord

seconds = st.floats(0, 1_000, allow_nan=False)
maybe = st.none() | st.floats(-1, 1_000, allow_nan=False)


def call(**values: Any) -> CallRecord:
    empty: dict[str, Any] = {field.name: None for field in fields(CallRecord)}
    return CallRecord(**(empty | {"started_at": datetime(2026, 11, 22, tzinfo=UTC)} | values))


def test_a_call_is_queued_read_thought_about_and_answered() -> None:
    bar = call_bar(call(queue_time=1.0, first_token=2.0, first_content=4.0, duration=10.0), 0.0)
    assert pieces(bar, span_of([bar]), 10) == [
        Piece("queue", 0, 1),
        Piece("prompt", 1, 2),
        Piece("thinking", 2, 4),
        Piece("answering", 4, 10),
    ]


@given(st.lists(st.tuples(seconds, seconds, maybe, maybe, maybe), min_size=1), st.integers(1, 200))
def test_bars_stay_on_their_axis_and_their_phases_follow_each_other(
    measured: list[tuple[float, float, float | None, float | None, float | None]], width: int
) -> None:
    bars = [
        call_bar(call(duration=whole, queue_time=queue, first_token=token, first_content=content), start)
        for start, whole, queue, token, content in measured
    ]
    span = span_of(bars)
    for bar in bars:
        found = pieces(bar, span, width)
        assert bool(found) == bool(bar.phases)
        assert all(0 <= piece.start < piece.end <= width for piece in found)
        assert all(one.end == other.start for one, other in pairwise(found))


@given(seconds, st.integers(1, 200))
def test_a_bar_that_is_too_short_for_a_cell_still_has_one(start: float, width: int) -> None:
    bar = Bar(start, (("queue", 1e-9), ("prompt", 2e-9)))
    found = pieces(bar, start + 1_000, width)
    assert sum(piece.end - piece.start for piece in found) == 1
