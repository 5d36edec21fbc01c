"""Waits in words."""

from __future__ import annotations

import pytest

from core.durations import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (4.84, "4.8 s"),
        (59.9, "59.9 s"),
        (60, "1 min"),
        (7_199, "120 min"),
        (7_200, "2 h"),
        (172_799, "48 h"),
        (2_505_600, "29 days"),
    ],
)
def test_a_wait_is_told_in_the_unit_that_suits_it(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
