from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.voice.spoken_text.continuation import is_continue, rest
from tests.core.voice.spoken_text.answers import ANSWERS

ANSWER = "Hello there, my friend. This is a longer sentence, about cats. More.\n\n```py\nx\n```\nDone."


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("Continue.", "en"),
        ("Please, go on!", "en"),
        ("Weiter bitte.", "de"),
        ("Vas-y", "fr"),
        ("Sigue.", None),
        ("go on", "ja"),
    ],
)
def test_asking_to_go_on(said: str, language: str | None) -> None:
    assert is_continue(said, language)


@pytest.mark.parametrize(
    "said", ["", "Continue with the second one", "Stop", "And then what happened to him?"]
)
def test_asking_something_else(said: str) -> None:
    assert not is_continue(said, "en")


@pytest.mark.parametrize(
    ("heard", "goes_on"),
    [
        (0, "Hello there"),
        (15, "my friend."),
        (23, "This is"),
        (40, "This is"),
        (70, "```py"),
        (74, "```py"),
        (len(ANSWER) - 2, "Done."),
        (len(ANSWER), ""),
    ],
)
def test_going_on_with_the_sentence_that_was_cut_off(heard: int, goes_on: str) -> None:
    assert ANSWER[rest(ANSWER, heard) :].startswith(goes_on)


@given(text=ANSWERS, heard=st.integers(0, 500))
@settings(max_examples=200, deadline=None)
def test_it_goes_on_within_the_answer_and_never_further_back_as_more_was_heard(text: str, heard: int) -> None:
    assert 0 <= rest(text, heard) <= rest(text, heard + 1) <= len(text)
