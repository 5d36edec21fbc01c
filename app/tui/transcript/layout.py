"""How one block is laid out in rows at a width; rows are drawn when they are seen.

Laying out is cheap and counts rows; drawing makes strips and is kept until ``forget``. What is copied
and searched is the layout's text, which has neither bars nor borders.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style

from app.tui.transcript.inline import Emphasis, Inline
from app.tui.transcript.painted import Frame, PaintedRow, paint_row
from app.tui.transcript.theme import Theme
from app.tui.transcript.wrap import wrap_text

__all__ = ("FlowLayout", "Layout", "Prefix", "RuleLayout", "style_runs")

Piece = tuple[str, Style]


class Prefix(NamedTuple):
    """What stands left of a block: margin, quote bars, list markers."""

    first: tuple[Piece, ...] = ()
    rest: tuple[Piece, ...] = ()

    @property
    def width(self) -> int:
        """Cells taken from the block's width."""
        return sum(cell_len(text) for text, _ in self.first)

    def at(self, row: int) -> tuple[Piece, ...]:
        """The prefix of this row of the block."""
        return self.rest if row else self.first


class Layout(ABC):
    """A block at a width.

    Attributes:
        height: rows it takes.
        before: goes before its text when several blocks are copied: a list marker or quote mark.
        continues: whether it goes on in the middle of the line that the block before ended with.
        searchable: whether its text is part of the conversation rather than said about it.
    """

    height: int
    before: str = ""
    continues: bool = False
    searchable: bool = True

    def __init__(self) -> None:
        self._rows: dict[int, PaintedRow] = {}

    def row(self, index: int) -> PaintedRow:
        """One row, drawn."""
        if (row := self._rows.get(index)) is None:
            if len(self._rows) > 400:  # a huge block keeps what is near the screen only
                self._rows.clear()
            row = self._rows[index] = self._paint(index)
        return row

    def row_text(self, index: int) -> str:
        """The block's text on one row."""
        row = self.row(index)
        return row.strip.text[row.lead : row.lead + row.length]

    def forget(self, first: int = 0) -> None:
        """Drop drawn rows from ``first`` on."""
        if first == 0:
            self._rows.clear()
        else:
            for index in [index for index in self._rows if index >= first]:
                del self._rows[index]

    @property
    @abstractmethod
    def text(self) -> str:
        """All of its text."""

    @abstractmethod
    def row_at(self, offset: int) -> int:
        """The row that shows this position of the text."""

    @abstractmethod
    def _paint(self, index: int) -> PaintedRow: ...

    def extract(self, start: int, end: int | None) -> str:
        """The text between two positions, for copying."""
        return self.text[max(0, start) : end]

    def find(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        """Where ``pattern`` occurs, as positions in the text."""
        return (match.span() for match in pattern.finditer(self.text))

    def link_at(self, offset: int) -> str | None:
        """The address of the link at this position."""
        del offset
        return None


def style_runs(inline: Inline, start: int, end: int, base: Style, theme: Theme) -> Iterator[Piece]:
    """The pieces of ``inline`` between two positions, styled."""
    run_start = 0
    for run_end, emphasis in inline.runs:
        if run_end > start:
            if run_start >= end:
                return
            piece = inline.text[max(run_start, start) : min(run_end, end)]
            yield piece, base if emphasis is Emphasis.NONE else theme.emphasise(base, emphasis)
        run_start = run_end


class FlowLayout(Layout):
    """Text that is wrapped: paragraphs, headings, what the user typed.

    ``right`` stands at the right end of its first row, such as the time of a message; ``measure`` is the
    widest that a row of text may get.
    """

    def __init__(
        self,
        inline: Inline,
        frame: Frame,
        base: Style,
        prefix: Prefix,
        *,
        before: str = "",
        right: Piece | None = None,
        measure: int = 1 << 16,
    ) -> None:
        super().__init__()
        self._inline = inline
        self._frame = frame
        self._base = base
        self._prefix = prefix
        self.before = before
        self._right = right
        room = frame.width - prefix.width - (cell_len(right[0]) + 1 if right else 0)
        self._spans = wrap_text(inline.text, max(1, min(room, measure)))
        self.height = len(self._spans)

    @property
    def text(self) -> str:
        """All of its text."""
        return self._inline.text

    def row_at(self, offset: int) -> int:
        """The row that shows this position of the text."""
        for index, (_, end) in enumerate(self._spans):
            if offset < end:
                return index
        return self.height - 1

    def link_at(self, offset: int) -> str | None:
        """The address of the link at this position."""
        for start, end, address in self._inline.links:
            if start <= offset < end:
                return address
        return None

    def _paint(self, index: int) -> PaintedRow:
        start, end = self._spans[index]
        prefix = self._prefix.at(index)
        pieces = [*prefix, *style_runs(self._inline, start, end, self._base, self._frame.theme)]
        lead = sum(len(text) for text, _ in prefix)
        if self._right is not None and index == 0:
            used = sum(cell_len(text) for text, _ in (*pieces, self._right))
            pieces += [(" " * (self._frame.width - used), self._base), self._right]
        return paint_row(self._frame, pieces, self._base, lead=lead, start=start, length=end - start)


class RuleLayout(Layout):
    """A thematic break."""

    height = 1

    def __init__(self, frame: Frame, prefix: Prefix, measure: int) -> None:
        super().__init__()
        self._frame, self._prefix = frame, prefix
        self._length = max(1, min(frame.width, measure) - prefix.width)

    @property
    def text(self) -> str:
        """All of its text."""
        return "---"

    def row_at(self, offset: int) -> int:
        """The row that shows this position of the text."""
        del offset
        return 0

    def _paint(self, index: int) -> PaintedRow:
        pieces = [*self._prefix.at(index), ("─" * self._length, self._frame.theme.rule)]
        lead = sum(len(text) for text, _ in self._prefix.at(index))
        return paint_row(self._frame, pieces, self._frame.theme.text, lead=lead)
