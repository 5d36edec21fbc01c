"""Spoken text that knows, character by character, which part of the answer it stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from core.voice.spoken_text.clause import Piece

__all__ = ("EMPTY", "MappedText", "Span")


class Span(NamedTuple):
    """What one spoken character stands for.

    Attributes:
        start: first character in the answer.
        end: the character after its last, in the answer.
        verbatim: it is that one character itself.
    """

    start: int
    end: int
    verbatim: bool


@dataclass(frozen=True, slots=True)
class MappedText:
    """A text with the source of each of its characters; like a string, it never changes.

    Attributes:
        text: what is said.
        spans: one for each character of ``text``, in the order of the source.
    """

    text: str
    spans: tuple[Span, ...]

    @classmethod
    def verbatim(cls, text: str, start: int) -> MappedText:
        """Text as it stands at ``start`` in the answer."""
        return cls(text, tuple(Span(at, at + 1, True) for at in range(start, start + len(text))))

    @classmethod
    def said(cls, phrase: str, start: int, end: int) -> MappedText:
        """A phrase that is said for a part of the answer."""
        return cls(phrase, (Span(start, end, False),) * len(phrase))

    def __len__(self) -> int:
        return len(self.text)

    def __add__(self, other: MappedText) -> MappedText:
        return MappedText(self.text + other.text, self.spans + other.spans)

    def part(self, start: int, end: int | None = None) -> MappedText:
        """The characters from ``start`` up to ``end``."""
        return MappedText(self.text[start:end], self.spans[start:end])

    def instead(self, start: int, end: int, phrase: str) -> MappedText:
        """A phrase to be said for the characters from ``start`` up to ``end``: one of them at least."""
        return MappedText.said(phrase, self.spans[start].start, self.spans[end - 1].end)

    def after(self, end: int, phrase: str) -> MappedText:
        """A phrase that is said after the character before ``end`` and stands for nothing of its own."""
        place = self.spans[end - 1].end
        return MappedText.said(phrase, place, place)

    def pieces(self) -> tuple[Piece, ...]:
        """The runs of characters with one source, in order."""
        pieces: list[Piece] = []
        for position, span in enumerate(self.spans):
            last = pieces[-1] if pieces else None
            if last and last.verbatim and span.verbatim and last.end == span.start:
                pieces[-1] = Piece(last.spoken, last.start, span.end, verbatim=True)
            elif not (last and not last.verbatim and span == (last.start, last.end, False)):
                pieces.append(Piece(position, span.start, span.end, span.verbatim))
        return tuple(pieces)


EMPTY = MappedText("", ())
