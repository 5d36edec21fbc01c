"""Was that the end of the turn? The words of a pause answer it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.voice.turn_taking.languages import LANGUAGES, NO_LANGUAGE
from core.voice.turn_taking.words import words_of

__all__ = ("Verdict", "done_or_wait")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How long to wait for more.

    Attributes:
        wait: the part of the user's patience, from 0 (it was the end) to 1 (there must be more).
        reason: why, for diagnosis.
    """

    wait: float
    reason: str


_QUESTION = Verdict(0.0, "a question")
_SENTENCE = Verdict(0.25, "a sentence")
_ASKS = Verdict(0.25, "asks, without a question mark")
_NO_MARK = Verdict(0.6, "no mark at its end")
_NOTHING = Verdict(1.0, "no words")
_ELLIPSIS = Verdict(1.0, "trails off")
_COMMA = Verdict(1.0, "a comma")
_FILLER = Verdict(1.0, "a filler")
_OPEN_WORD = Verdict(1.0, "a word that wants another")
_NUMBER = Verdict(1.0, "a number that may go on")
"""A sentence waits a little although it looks complete: Whisper puts a full stop behind much that is
not. The reply that was asked for early is on its way meanwhile, so that the wait costs next to nothing."""

_CLOSING = r"[\"')\]\u00bb\u201d\u2019\u300d\u300f]*$"
_QUESTION_END = re.compile(r"[?\uff1f\u061f]" + _CLOSING)
_SENTENCE_END = re.compile(r"[.!\u3002\uff01\uff0e\u0964]" + _CLOSING)
_ELLIPSIS_END = re.compile(r"(?:\u2026|\.{2,}|\u3002{2,}|[-\u2013\u2014])" + _CLOSING)
_COMMA_END = re.compile(r"[,:;\uff0c\u3001\uff1a\uff1b\u060c]$")
_NUMBER_END = re.compile(r"(?:^|\s)\+?\d[\d\s.,/-]*$")


def done_or_wait(text: str, language: str | None) -> Verdict:
    """Whether the user is done, from what was understood so far.

    Args:
        text: the transcript up to the pause.
        language: such as ``en``; without one, or with one that has no table, only marks decide.
    """
    text = text.strip()
    words = words_of(text)
    if not words:
        return _NOTHING
    small = LANGUAGES.get(language or "", NO_LANGUAGE)
    if _QUESTION_END.search(text):
        return _QUESTION
    if _ELLIPSIS_END.search(text):
        return _ELLIPSIS
    if _COMMA_END.search(text):
        return _COMMA
    last = words[-1]
    if last in small.open:
        return _OPEN_WORD
    if last in small.fillers - small.assents or (len(words) == 1 and last in small.openers):
        return _FILLER
    if _SENTENCE_END.search(text):
        return _SENTENCE
    if _NUMBER_END.search(text):
        return _NUMBER
    if last in small.leaning:
        return _OPEN_WORD
    return _ASKS if words[0] in small.asking else _NO_MARK
