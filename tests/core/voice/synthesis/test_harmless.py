"""Text as a speech engine may have it."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from core.safe_text import safe_text
from core.voice.synthesis.harmless import harmless_to_speak

surrogates_too = st.text(st.characters(exclude_categories=()))


@given(surrogates_too)
def test_every_character_keeps_its_place(text: str) -> None:
    spoken = harmless_to_speak(text)
    assert len(spoken) == len(text)
    assert all(after in (before, " ") for before, after in zip(text, spoken, strict=True))


@given(surrogates_too)
def test_nothing_is_left_that_acts(text: str) -> None:
    spoken = harmless_to_speak(text)
    assert safe_text(spoken) == spoken
    assert {unicodedata.category(c) for c in spoken if c not in "\n\t"}.isdisjoint({"Cc", "Cs"})


def test_a_nul_does_not_end_the_text() -> None:
    assert harmless_to_speak("before\0after") == "before after"
