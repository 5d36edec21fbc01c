"""What stands beside a chart: round ticks, and a legend in which no mark is parted from its name."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from app.tui.review.legend import legend, legend_room
from app.tui.review.ticks import round_ticks


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0.2148, [0, 0.05, 0.1, 0.15, 0.2, 0.25]),
        (1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (626, [0, 200, 400, 600, 800]),
        (0, [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ],
)
def test_ticks_are_round(highest: float, ticks: list[float]) -> None:
    assert round_ticks(highest) == ticks


@given(st.floats(1e-9, 1e9), st.integers(1, 9))
def test_ticks_reach_the_highest_in_few_equal_steps(highest: float, most: int) -> None:
    ticks = round_ticks(highest, most)
    assert 2 <= len(ticks) <= most + 1
    assert ticks[0] == 0
    assert ticks[-2] < highest <= ticks[-1]
    assert all(high - low == pytest.approx(ticks[1]) for low, high in pairwise(ticks))


names = st.lists(st.text("abcdef", min_size=1, max_size=20), min_size=1, max_size=20)


@given(names, st.integers(24, 140))
def test_no_entry_of_a_legend_is_broken(found: list[str], width: int) -> None:
    entries = [Content(f"# {name}") for name in found]
    lines = legend(entries, width).plain.split("\n")
    assert all(len(line.rstrip()) <= width for line in lines)
    assert [part.strip() for part in "   ".join(lines).split("# ")[1:]] == found


@given(names, st.integers(24, 140))
def test_a_legend_with_as_many_entries_as_there_is_room_for_stays_low(found: list[str], width: int) -> None:
    longest = max(map(len, found)) + 2
    entries = [Content(f"# {name}") for name in found[: legend_room(longest, width)]]
    assert legend(entries, width).plain.count("\n") < 5
