"""LocalAgreement: what two transcripts in a row agree on is shown as settled."""

from __future__ import annotations

from core.voice.turn_taking.words import words_of

__all__ = ("Agreement",)


class Agreement:
    """LocalAgreement-2 for the screen: settled words, and a tail that may still change.

    A word is settled when two successive transcripts have it at the same place, after words that are
    settled too (Liu et al. 2020, https://arxiv.org/abs/2005.11185). Case and punctuation do not count
    in comparing, and the last word of a transcript is never settled by it: it may be half a word.
    """

    __slots__ = ("_before", "_settled")

    def __init__(self) -> None:
        self._before: list[str] = []
        self._settled: list[str] = []

    def add(self, text: str) -> tuple[str, str]:
        """Take the next transcript of the same recording, which has grown; returns (stable, tail).

        Words that were settled stay as they were shown, even where this transcript has others.
        """
        words = text.split()
        place = len(self._settled)
        while place < min(len(words), len(self._before)) - 1 and _same(words[place], self._before[place]):
            self._settled.append(words[place])
            place += 1
        self._before = words
        return " ".join(self._settled), " ".join(words[place:])


def _same(word: str, other: str) -> bool:
    return words_of(word) == words_of(other)
