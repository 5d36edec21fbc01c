"""Words of a text, and when each is heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.synthesis.words import closing_pause, estimated_marks, word_spans


@given(st.text())
def test_words_are_the_runs_without_white_space(text: str) -> None:
    assert [text[start:end] for start, end in word_spans(text)] == text.split()


@given(st.text(), st.floats(0, 600))
def test_estimates_are_in_order_and_within_the_sound(text: str, seconds: float) -> None:
    marks = estimated_marks(text, seconds)
    assert [(mark.start, mark.end) for mark in marks] == word_spans(text)
    times = [mark.at for mark in marks]
    assert times == sorted(times)
    assert all(0 <= at <= seconds for at in times)
    assert not times or times[0] == 0


def test_a_full_stop_is_heard_as_a_pause() -> None:
    ran_on = estimated_marks("alpha bravo charlie", 3)
    paused = estimated_marks("alpha. bravo charlie", 3)
    assert paused[1].at > ran_on[1].at


def test_digits_take_longer_than_letters() -> None:
    assert estimated_marks("1984 then", 2)[1].at > estimated_marks("abcd then", 2)[1].at


@pytest.mark.parametrize(
    ("longer", "shorter"),
    [("Yes.", "Yes,"), ("Yes,", "Yes"), ('"Yes."', '"Yes"'), ("好。", "好，"), ("a: ", "a ")],  # noqa: RUF001
)
def test_closing_punctuation_is_silent_for_a_while(longer: str, shorter: str) -> None:
    assert closing_pause(longer) > closing_pause(shorter)


@pytest.mark.parametrize("text", ["", " ", "'", "word"])
def test_no_punctuation_is_no_pause(text: str) -> None:
    assert closing_pause(text) == 0
