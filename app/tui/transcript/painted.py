"""One row of the screen, and where the text on it stands in its block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from app.tui.transcript.theme import Theme

__all__ = ("Frame", "PaintedRow", "paint_row", "restyle")


@dataclass(frozen=True, slots=True)
class Frame:
    """What rows are laid out for: ``width`` cells, then ``edge`` blank ones, in the styles of a theme."""

    width: int
    theme: Theme
    edge: int = 0


@dataclass(frozen=True, slots=True)
class PaintedRow:
    """A row as it is drawn.

    Attributes:
        strip: the whole row with its blank edge.
        lead: characters of ``strip`` before the text: bars, bullets, margins.
        start: where the text on this row begins in the block's text.
        length: how many characters of the block's text are on it.
    """

    strip: Strip
    lead: int = 0
    start: int = 0
    length: int = 0


def paint_row(
    frame: Frame,
    segments: Iterable[tuple[str, Style]],
    fill: Style,
    *,
    lead: int = 0,
    start: int = 0,
    length: int = 0,
) -> PaintedRow:
    """Draw (text, style) pieces and fill up the row with ``fill``; what is too long is cut off."""
    pieces = [Segment(text, style) for text, style in segments if text]
    used = sum(len(text) if text.isascii() else cell_len(text) for text, _, _ in pieces)
    if used > frame.width:
        pieces = list(Strip(pieces, used).crop(0, frame.width))
    elif used < frame.width:
        pieces.append(Segment(" " * (frame.width - used), fill))
    if frame.edge:
        pieces.append(Segment(" " * frame.edge, frame.theme.text))
    return PaintedRow(Strip(pieces, frame.width + frame.edge), lead, start, length)


def restyle(strip: Strip, start: int, end: int, style: Style) -> Strip:
    """``style`` on top of the characters from ``start`` to ``end`` (exclusive)."""
    segments: list[Segment] = []
    position = 0
    for segment in strip:
        text, base, _ = segment
        a, b = max(0, start - position), min(len(text), end - position)
        position += len(text)
        if a >= b:
            segments.append(segment)
            continue
        if a:
            segments.append(Segment(text[:a], base))
        segments.append(Segment(text[a:b], base + style if base else style))
        if b < len(text):
            segments.append(Segment(text[b:], base))
    return Strip(segments, strip.cell_length)
