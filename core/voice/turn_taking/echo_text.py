"""The assistant's own words in the microphone, known by their text."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from math import inf

from core.voice.turn_taking.words import words_of

__all__ = ("EchoGuard",)

_REMEMBERED = 60.0
"""Seconds that a clause is remembered; a turn that overlaps an answer is not longer."""

_TAIL = 0.6
"""Seconds after the last of a clause is out of the speaker in which its echo may still begin to be heard:
rooms are over sooner, wireless speakers are late. People may take up its words as soon, to choose
"white wine" out of "red wine or white wine?", so that it is no more."""

_FRAGMENT = 2
"""Words in a row that must agree; a single word the user may well have chosen himself."""

_MATCHED = 0.75
"""The part of a transcript's words, from 0 to 1, that must be the assistant's."""


@dataclass(slots=True)
class _Clause:
    """What was read aloud, and until when."""

    words: list[str]
    until: float = inf


class EchoGuard:
    """Knows what was read aloud lately, and tells it from what the user says.

    What is left of an echo is transcribed in fragments, with a word wrong here and there. A
    transcript is an echo when nearly all of it is made of runs of words that the assistant said, in
    that order, no earlier than just before the speech in it began.
    """

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: list[_Clause] = []

    def spoken(self, text: str, at: float) -> None:
        """This begins to be read aloud; what was read before it is over."""
        self.silent(at)
        self._said = [clause for clause in self._said if clause.until >= at - _REMEMBERED]
        self._said.append(_Clause(words_of(text)))

    def silent(self, at: float) -> None:
        """Nothing is read aloud any more."""
        if self._said:
            self._said[-1].until = min(self._said[-1].until, at)

    def echoes(self, text: str, *, begun: float) -> bool:
        """Whether a transcript of speech that began then is nothing but our own words."""
        heard = words_of(text)
        said = [word for clause in self._said if clause.until + _TAIL >= begun for word in clause.words]
        if len(heard) < _FRAGMENT:
            return False
        blocks = SequenceMatcher(None, said, heard, autojunk=False).get_matching_blocks()
        matched = sum(block.size for block in blocks if block.size >= _FRAGMENT)
        return matched >= _MATCHED * len(heard)
