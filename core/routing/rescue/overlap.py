"""What a continued answer says again of what was said already: found while it arrives, and left out. Pure."""

from __future__ import annotations

import re

__all__ = ("SENTENCE_END", "OverlapTrimmer")

SENTENCE_END = re.compile(
    r"[.!?…]['\"”’»)\]*_]*(?:\s+|\Z)"  # noqa: RUF001 - the marks that close a quotation
    r"|[。！？]\s*|\n\s*"  # noqa: RUF001 - Chinese and Japanese marks
)
"""The end of a sentence or line, with all the blanks and the indentation after it."""
_WORD = 3
"""Characters: shorter repetitions are taken for chance."""
_SURE = 8
"""Characters below which a repetition that begins within a word is taken for chance."""
_SENTENCE = 12
"""Characters of the sentence that broke off after which a continuation is saying that sentence again."""
_BEGINNING = 24
"""Characters of the whole text after which a continuation is saying all of it again."""
_LANDMARK = 24
"""Characters by which the end of what was said is found in an answer that was begun anew."""
_SLACK = 2000
"""Characters by which an answer begun anew may be longer than the old one before it is given up."""
_INSTEAD = " — "
"""Stands where a sentence is said again in other words: its beginning is not repeated."""


class OverlapTrimmer:
    """Joins a continuation to a text that broke off, as the pieces come: what it says again is left out.

    Text is held back only while it still repeats a passage of what was said; mostly that is a word or two.
    Where the continuation begins with the last sentence, as it is asked to, that is left out; else the
    longest end of what was said that it begins with, or the whole of it, where the answer is begun anew. An
    answer begun anew in other words is followed up to the end of what was said; an unfinished sentence said
    again in other words goes on after a dash, where the words depart.

    Args:
        said: the text that broke off.
        sentence: where its last sentence begins, in characters: what the continuation is asked to repeat,
            without the blanks around it.

    Attributes:
        lost: the continuation was begun anew and never comes to where the text broke off; it gives nothing.
    """

    def __init__(self, said: str, *, sentence: int) -> None:
        self.lost = False
        self._said = said
        self._sentence = said[sentence:].lstrip()
        self._unfinished = _is_unfinished(said)
        self._held = ""
        self._begun_anew = False
        self._joined = False
        self._dropped = ""

    @property
    def left_out(self) -> str:
        """What came and is not part of the text, as far as that is decided; all that is held back, too."""
        return self._dropped or self._held

    def feed(self, piece: str) -> str:
        """Take in a piece; the text that is new, empty while that is undecided."""
        if self._joined:
            return piece
        self._held += piece
        return self._decide(final=False)

    def finish(self) -> str:
        """No piece will come any more; the text that was still held back."""
        return "" if self._joined else self._decide(final=True)

    def _decide(self, *, final: bool) -> str:
        if self._begun_anew:
            return self._followed(final=final)
        # Models like to begin on a blank or a new line, whether or not one belongs there.
        told = self._held.lstrip()
        if self._is_as_asked(told):
            # The blanks that end what was said are not asked for; they mostly come all the same.
            if not final and self._sentence.startswith(told):
                return ""
            return self._join(told[_shared(self._sentence, told) :])
        if not final and (not told or told in self._said or self._held in self._said):
            return ""
        overlap, text = max((_overlap(self._said, text), text) for text in (self._held, told))
        if overlap:
            return self._join(text[overlap:])
        again = _shared(self._sentence, told)
        if self._unfinished and again >= _SENTENCE:
            return self._join("" if again == len(told) else _INSTEAD + _departing(self._sentence, told))
        # The next line of a list or table is like the last one, too, and that may be the first.
        if _shared(self._said, told) >= max(_BEGINNING, again + 1):
            self._begun_anew = True
            return self._followed(final=final)
        return self._join(self._held)

    def _is_as_asked(self, told: str) -> bool:
        asked = self._sentence.rstrip()
        return asked != "" and told.startswith(asked)

    def _followed(self, *, final: bool) -> str:
        """Past the end of what was said, in an answer that was begun anew."""
        landmark = self._said[-_LANDMARK:]
        place = self._held.find(landmark)
        if place >= 0:
            return self._join(self._held[place + len(landmark) :])
        if final or len(self._held) > len(self._said) + _SLACK:
            self.lost = True
        return ""

    def _join(self, rest: str) -> str:
        self._joined = True
        self._dropped, self._held = self._held[: max(0, len(self._held) - len(rest))], ""
        return rest


def _overlap(said: str, told: str) -> int:
    """Characters of the longest beginning of ``told`` that ends ``said`` and is no chance."""
    for length in range(min(len(said), len(told)), 0, -1):
        if said.endswith(told[:length]) and _counts(said, length):
            return length
    return 0


def _counts(said: str, length: int) -> bool:
    if not _has_words(said[-length:]):  # Lines that close a bracket or rule a table follow on each other.
        return False
    if length == len(said) or length >= _SURE:
        return True
    return length >= _WORD and not (said[-length - 1].isalnum() and said[-length].isalnum())


def _is_unfinished(said: str) -> bool:
    """Whether there are words after the last end of a sentence or line."""
    *_, last = SENTENCE_END.split(said)
    return _has_words(last)


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))


def _departing(sentence: str, told: str) -> str:
    """``told`` from the word on in which it is no longer the sentence."""
    place = _shared(sentence, told)
    while place and told[place - 1].isalnum():
        place -= 1
    return told[place:]


def _shared(one: str, other: str) -> int:
    """Characters that both begin with."""
    for place, (mine, yours) in enumerate(zip(one, other, strict=False)):
        if mine != yours:
            return place
    return min(len(one), len(other))
