"""The assistant's own words in the microphone, known by their text."""

from __future__ import annotations

from collections import deque
from difflib import SequenceMatcher
from math import inf

from core.voice.turn_taking.words import words_of

__all__ = ("EchoGuard",)

_REMEMBERED = 60.0
"""Seconds that a clause is remembered; a turn that overlaps an answer is not longer."""

_TAIL = 1.5
"""Seconds after the last word was read that its echo may still be heard, or be transcribed."""

_SECONDS_A_WORD = 0.4
"""How long a word takes to be read, at the slow end; marks until when a clause is heard."""

_FRAGMENT = 2
"""Words in a row that must agree; a single word the user may well have chosen himself."""

_MATCHED = 0.75
"""The part of a transcript's words, from 0 to 1, that must be the assistant's."""


class EchoGuard:
    """Knows what was read aloud lately, and tells it from what the user says.

    What is left of an echo is transcribed in fragments, with a word wrong here and there. A
    transcript is an echo when it was recorded while the assistant spoke and nearly all of it is made
    of runs of words that the assistant said, in that order.
    """

    __slots__ = ("_said", "_sounds_until")

    def __init__(self) -> None:
        self._said: deque[tuple[float, list[str]]] = deque()
        self._sounds_until = -inf

    def spoken(self, text: str, at: float) -> None:
        """This begins to be read aloud."""
        words = words_of(text)
        while self._said and self._said[0][0] < at - _REMEMBERED:
            self._said.popleft()
        self._said.append((at, words))
        self._sounds_until = max(self._sounds_until, at + len(words) * _SECONDS_A_WORD)

    def echoes(self, text: str, *, since: float, now: float) -> bool:
        """Whether a transcript of what was recorded since then is nothing but our own words."""
        if since > self._sounds_until + _TAIL:
            return False
        heard = words_of(text)
        said = [word for at, words in self._said if at >= now - _REMEMBERED for word in words]
        if len(heard) < _FRAGMENT:
            return False
        blocks = SequenceMatcher(None, said, heard, autojunk=False).get_matching_blocks()
        matched = sum(block.size for block in blocks if block.size >= _FRAGMENT)
        return matched >= _MATCHED * len(heard)
