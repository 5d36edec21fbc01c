"""What listeners say without wanting the floor, and the few words that want silence."""

from __future__ import annotations

from core.voice.turn_taking.languages import LANGUAGES, NO_LANGUAGE, SmallWords
from core.voice.turn_taking.words import words_of

__all__ = ("interrupts", "is_backchannel", "is_filler", "is_stop")

_LONGEST_BACKCHANNEL = 3
"""Words; "yeah, yeah, okay" still listens."""


def is_backchannel(text: str, language: str | None) -> bool:
    """Whether it is an "mm-hm", "yeah" or "um" that the speaker need not stop for; nothing is one too."""
    words, small = words_of(text), _small_words(language)
    return len(words) <= _LONGEST_BACKCHANNEL and small.assents | small.fillers >= set(words)


def is_filler(text: str, language: str | None) -> bool:
    """Whether it is nothing but a "well, um": somebody thinks, and says nothing yet."""
    words, small = words_of(text), _small_words(language)
    return (small.fillers | small.openers) - small.assents >= set(words)


def is_stop(text: str, language: str | None) -> bool:
    """Whether it only asks for silence, so that stopping is all there is to do."""
    return " ".join(words_of(text)) in _small_words(language).stops


def interrupts(text: str, language: str | None, *, final: bool) -> bool:
    """Whether words spoken over an answer stop it.

    A partial transcript needs two words, or a stop word: what Whisper makes of the first quarter of a
    second is too often one word that nobody said.
    """
    if is_stop(text, language):
        return True
    return len(words_of(text)) >= (1 if final else 2) and not is_backchannel(text, language)


def _small_words(language: str | None) -> SmallWords:
    return LANGUAGES.get(language or "", NO_LANGUAGE)
