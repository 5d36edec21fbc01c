"""Cutting a text for a service that takes only so many characters."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.voice.synthesis.portions import portions


@given(st.text(), st.integers(1, 50))
def test_portions_are_the_whole_text_and_none_is_too_long(text: str, longest: int) -> None:
    cuts = portions(text, longest)
    assert "".join(text[start:end] for start, end in cuts) == text
    assert all(0 < end - start <= longest for start, end in cuts)


def cut(text: str, longest: int) -> list[str]:
    return [text[start:end] for start, end in portions(text, longest)]


def test_a_sentence_is_the_best_end() -> None:
    assert cut("It is one, or two. It is three, four or five.", 30) == [
        "It is one, or two. ",
        "It is three, four or five.",
    ]


def test_then_a_clause_then_a_word() -> None:
    assert cut("alpha bravo charlie, delta echo", 26) == ["alpha bravo charlie, ", "delta echo"]
    assert cut("alpha bravo charlie delta echo", 26) == ["alpha bravo charlie delta ", "echo"]


def test_a_word_is_cut_only_where_it_must_be() -> None:
    assert cut("a" * 25, 10) == ["a" * 10, "a" * 10, "a" * 5]


def test_a_full_stop_within_a_number_is_no_end() -> None:
    assert cut("costs 12.50 dollars altogether", 14) == ["costs 12.50 ", "dollars ", "altogether"]
