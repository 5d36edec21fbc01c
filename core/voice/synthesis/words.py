"""The words of a text that is spoken: where they stand, and when each is heard where no engine tells."""

from __future__ import annotations

import re
import unicodedata
from itertools import accumulate

from core.voice.audio import WordMark

__all__ = ("closing_pause", "estimated_marks", "word_spans")

_WORD = re.compile(r"\S+")

_SENTENCE_PAUSE = 6.0
_CLAUSE_PAUSE = 3.0
"""In letters: about 300 and 150 ms at an ordinary rate."""
_LETTER_NAME = 3.0
_PAUSES = dict.fromkeys(".!?…。！？", _SENTENCE_PAUSE) | dict.fromkeys(",;:–—、，；：", _CLAUSE_PAUSE)  # noqa: RUF001
_CLOSING = "\"')]»”’"  # noqa: RUF001


def word_spans(text: str) -> list[tuple[int, int]]:
    """First character and end of every word: a run without white space, its punctuation with it."""
    return [word.span() for word in _WORD.finditer(text)]


def closing_pause(text: str) -> float:
    """How long the punctuation that ends a text is silent, in letters; 0 where it ends without any."""
    return _PAUSES.get(text.rstrip().rstrip(_CLOSING)[-1:], 0.0)


def estimated_marks(text: str, seconds: float) -> tuple[WordMark, ...]:
    """When each word of a text begins, if the whole sounds ``seconds``.

    Time is shared out by how long a word takes to say: a letter counts once, a digit or an
    ideograph, which are said as syllables, three times, and punctuation at a word's end counts as
    the pause it makes. The pause after the last word is not in the sound.
    """
    spans = word_spans(text)
    if not spans:
        return ()
    weights = [_weight(text[start:end]) for start, end in spans]
    weights[-1] -= closing_pause(text)
    total = sum(weights) or 1.0
    begins = accumulate(weights[:-1], initial=0.0)
    return tuple(
        WordMark(seconds * begun / total, start, end)
        for begun, (start, end) in zip(begins, spans, strict=True)
    )


def _weight(word: str) -> float:
    return 1.0 + sum(map(_letters, word)) + closing_pause(word)


def _letters(character: str) -> float:
    """How long a character takes to say, in letters."""
    kind = unicodedata.category(character)
    if kind == "Lo" or kind[0] == "N":
        return _LETTER_NAME
    return 1.0 if kind[0] == "L" else 0.0
