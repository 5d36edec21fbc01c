"""Stops the assistant from talking to itself at the user's expense."""

from __future__ import annotations

from difflib import SequenceMatcher

from core.voice.turn_taking.words import words_of

__all__ = ("LoopBreaker",)

_ALIKE = 0.8
"""Similarity, from 0 to 1, from which two turns say the same."""


class LoopBreaker:
    """Counts hands-free turns in a row that say the same, with no key pressed between them.

    It is the last line behind echo cancellation and the echo guard: a loop that gets past both asks
    the model the same again and again.
    """

    __slots__ = ("_last", "_limit", "_similar")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.reset()

    def reset(self) -> None:
        """A person is there: a key was pressed."""
        self._last: list[str] = []
        self._similar = 0

    def looping(self, text: str) -> bool:
        """Count a turn; whether it is one too many of its kind."""
        words = words_of(text)
        alike = bool(words) and SequenceMatcher(None, self._last, words, autojunk=False).ratio() >= _ALIKE
        self._similar = self._similar + 1 if alike else 1
        self._last = words
        return self._similar >= self._limit
