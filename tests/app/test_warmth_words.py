import pytest

from app.warmth_words import warmth_in_a_word, warmth_in_words
from core.providers import Warmth


@pytest.mark.parametrize(
    ("warmth", "word", "words"),
    [
        (Warmth(), "cold", "cold: the next call opens one"),
        (Warmth(in_reserve=1), "warm", "warm: 1 in reserve"),
        (Warmth(2, 1), "warm", "warm: 1 in reserve, 2 in use"),
        (Warmth(1, 0), "in use", "none in reserve, 1 in use"),
    ],
)
def test_it_says_whether_the_next_call_waits_for_a_handshake(warmth: Warmth, word: str, words: str) -> None:
    assert (warmth_in_a_word(warmth), warmth_in_words(warmth)) == (word, words)
