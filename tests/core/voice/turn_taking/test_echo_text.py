"""The assistant's own words, known by their text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.turn_taking.echo_text import EchoGuard
from core.voice.turn_taking.words import words_of

FIRST = "Paris is the capital of France, and has been for most of the last thousand years."
SECOND = "Its best known building is the Eiffel Tower, which was finished in 1889."


@pytest.fixture
def guard() -> EchoGuard:
    guard = EchoGuard()
    guard.spoken(FIRST, 10.0)
    guard.spoken(SECOND, 15.0)
    return guard


@pytest.mark.parametrize(
    "text",
    [
        FIRST,
        FIRST.upper(),
        "capital of France and has been",
        "of the last thousand years. Its best known building",  # across two clauses
        "Paris is the capital of Franz, and has been for",  # a word misheard
        "is the Eiffel tower which was",
        "the Eiffel",
    ],
)
def test_what_was_said_is_an_echo(guard, text):
    assert guard.echoes(text, begun=14.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Paris",  # the user may well answer with one of the words
        "No, I meant Finland.",
        "When was the Eiffel Tower painted, and by whom?",
        "Tell me more about France.",
        "years thousand last the of most for been has",  # the same words, in another order
    ],
)
def test_what_the_user_says_is_none(guard, text):
    assert not guard.echoes(text, begun=14.0)


def test_what_was_said_before_may_be_quoted(guard):
    assert guard.echoes("Paris is the capital of France", begun=15.3)
    assert not guard.echoes("Paris is the capital of France", begun=16.0)
    assert guard.echoes("which was finished in 1889", begun=16.0)


def test_as_soon_as_it_is_silent_all_may_be_quoted(guard):
    guard.silent(20.0)
    assert guard.echoes("which was finished in 1889", begun=20.3)
    assert not guard.echoes("which was finished in 1889", begun=20.7)


def test_it_forgets(guard):
    guard.spoken("Something else entirely.", 100.0)
    assert not guard.echoes("Paris is the capital of France", begun=14.0)
    assert guard.echoes("something else entirely", begun=99.0)


def test_before_anything_was_said_nothing_is_an_echo():
    assert not EchoGuard().echoes("Hello there, how are you?", begun=0.0)


@given(st.text(max_size=80), st.data())
def test_every_fragment_of_two_words_is_known(text, data):
    guard = EchoGuard()
    guard.spoken(text, 10.0)
    words = words_of(text)
    begin = data.draw(st.integers(0, max(0, len(words) - 2)))
    end = data.draw(st.integers(begin, len(words)))
    fragment = words[begin:end]
    assert guard.echoes(" ".join(fragment), begun=10.0) == (len(fragment) >= 2)
