"""A piece of an answer as it is spoken, and the way back from what was heard to the answer's text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from core.voice.audio import WordMark

__all__ = ("Clause", "Piece")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of spoken text and the run of source text that it stands for.

    Attributes:
        spoken: first character in the clause's spoken text.
        start: first character in the answer.
        end: the character after its last, in the answer.
        verbatim: spoken as written, so that offsets within the two runs agree.
    """

    spoken: int
    start: int
    end: int
    verbatim: bool


@dataclass(frozen=True, slots=True)
class Clause:
    """What is synthesised and played in one go.

    Attributes:
        number: from 0, in order of speaking.
        start: first character in the answer's text.
        end: the character after its last.
        spoken: what the synthesiser is given.
        pieces: how ``spoken`` maps to the answer, in order; the first begins at 0.
    """

    number: int
    start: int
    end: int
    spoken: str
    pieces: tuple[Piece, ...]

    def source(self, spoken: int) -> int:
        """The place in the answer of a place in ``spoken``; the end of a piece that is not verbatim."""
        if spoken <= 0 or not self.pieces:
            return self.start
        if spoken >= len(self.spoken):
            return self.end
        index = bisect_right([piece.spoken for piece in self.pieces], spoken) - 1
        piece = self.pieces[index]
        if not piece.verbatim:
            return piece.start if spoken == piece.spoken else piece.end
        return min(piece.start + spoken - piece.spoken, piece.end)

    def heard(self, marks: Sequence[WordMark], seconds: float) -> int:
        """How far into the answer one has heard, ``seconds`` into the clause's sound.

        A word counts once the next one begins; a word that was cut off was not heard.
        """
        begun = [mark for mark in marks if mark.at <= seconds]
        if not begun:
            return self.start
        return self.source(begun[-1].start)
