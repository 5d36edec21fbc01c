"""One row of the screen, and where the text on it stands in its block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

__all__ = ("PaintedRow", "paint_row", "restyle")


@dataclass(frozen=True, slots=True)
class PaintedRow:
    """A row as it is drawn.

    Attributes:
        strip: the whole row, as wide as the transcript's content.
        lead: characters of ``strip`` before the text: bars, bullets, margins.
        start: where the text on this row begins in the block's text.
        length: how many characters of the block's text are on it.
    """

    strip: Strip
    lead: int = 0
    start: int = 0
    length: int = 0


def paint_row(
    segments: Iterable[tuple[str, Style]],
    fill: Style,
    width: int,
    *,
    lead: int = 0,
    start: int = 0,
    length: int = 0,
) -> PaintedRow:
    """Draw (text, style) pieces and fill up to ``width`` cells; what is too long is cut off."""
    pieces = [Segment(text, style) for text, style in segments if text]
    used = sum(len(text) if text.isascii() else cell_len(text) for text, _, _ in pieces)
    if used < width:
        pieces.append(Segment(" " * (width - used), fill))
    strip = Strip(pieces, max(used, width))
    if used > width:
        strip = strip.crop(0, width)
    return PaintedRow(strip, lead, start, length)


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
