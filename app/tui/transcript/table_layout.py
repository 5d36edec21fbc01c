"""A table in rows: columns as wide as they need, cells wrapped where there is no room for that."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Literal, NamedTuple

from rich.cells import cell_len
from rich.style import Style

from app.tui.transcript.blocks import Block
from app.tui.transcript.inline import Inline, parse_inline
from app.tui.transcript.layout import Layout, Piece, Prefix, style_runs
from app.tui.transcript.painted import Frame, PaintedRow, paint_row
from app.tui.transcript.wrap import Row, wrap_text

__all__ = ("SIZING_ROWS", "TableLayout", "split_cells")

SIZING_ROWS = 64
"""Rows that decide how wide the columns of a table too wide for the screen are, so that one of any length
grows at the cost of its new rows."""

_BAR = re.compile(r"(?<!\\)\|")
_SEPARATOR = " │ "
_STRIDE = 1 << 16
"""Positions in a table's text are counted as row * _STRIDE + column; no row on screen is as wide."""

Align = Literal["left", "right", "center"]


class _TableRow(NamedTuple):
    cells: list[Inline]
    wrapped: list[list[Row]]


class _Sizes(NamedTuple):
    needs: list[int]
    columns: list[int]

    @property
    def fit(self) -> bool:
        """Whether each column is as wide as it needs, so that no cell is wrapped."""
        return self.needs == self.columns


def split_cells(row: str) -> list[str]:
    """The cells of a row of a Markdown table, as raw Markdown."""
    row = row.strip().removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(row)]


class TableLayout(Layout):
    """A table with a bold header and thin lines.

    Grows with its block, as ``CodeLayout`` does. Its ``text`` is rows of cells with bars between.
    """

    def __init__(self, block: Block, frame: Frame, prefix: Prefix) -> None:
        super().__init__()
        self._block = block
        self._frame = frame
        self._prefix = prefix
        self._room = max(1, frame.width - prefix.width)
        self._aligns: list[Align] = [_alignment(cell) for cell in split_cells(block.lines[1])]
        self._sizes = _Sizes([1] * len(self._aligns), [1] * len(self._aligns))
        self._before_partial = self._sizes
        self._table: list[_TableRow] = []
        self._firsts: list[int] = []  # the screen row where each row of the table begins
        self._whole = 0  # rows of the table that are complete
        self.height = 0
        self.update()

    @property
    def block(self) -> Block:
        """What is laid out."""
        return self._block

    def update(self) -> None:
        """Take in the rows that have arrived since."""
        self._drop_rows_from(self._whole)
        self._resize(self._before_partial)
        first = self._block.lines[:1] if not self._whole else []
        for source in [*first, *self._block.lines[1 + max(1, self._whole) :]]:
            self._add(self._parse(source))
        self._whole, self._before_partial = len(self._table), self._sizes
        if self._block.partial:
            self._add(self._parse(self._block.partial))

    def _parse(self, source: str) -> list[Inline]:
        cells = split_cells(source)[: len(self._aligns)]
        cells += [""] * (len(self._aligns) - len(cells))
        return [parse_inline(cell.expandtabs(4)) for cell in cells]

    def _add(self, cells: list[Inline]) -> None:
        self._make_room(cells)
        self._append(cells)

    def _make_room(self, cells: list[Inline]) -> None:
        """Widen the columns for a row: freely while the table fits, for the first rows at others' cost."""
        widest = (max(map(cell_len, cell.text.split("\n"))) for cell in cells)
        needs = [max(pair) for pair in zip(self._sizes.needs, widest, strict=True)]
        if needs == self._sizes.needs:
            return
        room = self._room - len(_SEPARATOR) * (len(needs) - 1) - 2
        if sum(needs) <= room or len(self._table) < SIZING_ROWS:
            self._resize(_Sizes(needs, _share(needs, room)))

    def _resize(self, sizes: _Sizes) -> None:
        before, self._sizes = self._sizes, sizes
        if sizes.columns == before.columns:
            return
        self.forget()
        if sizes.fit and before.fit:  # nothing is wrapped, so only the blanks between cells change
            return
        rows = [row.cells for row in self._table]
        self._drop_rows_from(0)
        for cells in rows:
            self._append(cells)

    def _append(self, cells: list[Inline]) -> None:
        wrapped = [
            wrap_text(cell.text, column) if cell.text else [(0, 0)]
            for cell, column in zip(cells, self._sizes.columns, strict=True)
        ]
        self._firsts.append(self.height)
        self.height += max(map(len, wrapped)) + (not self._table)  # the line below the header
        self._table.append(_TableRow(cells, wrapped))

    def _drop_rows_from(self, index: int) -> None:
        if index < len(self._table):
            self.height = self._firsts[index]
            del self._table[index:], self._firsts[index:]
        self.forget(self.height)

    @property
    def text(self) -> str:
        """The rows as they look, without the line under the header."""
        return "\n".join(self._row_text(row) for row in range(self.height) if not self._is_line(row))

    def row_at(self, offset: int) -> int:
        """The row that shows this position."""
        return min(offset // _STRIDE, self.height - 1)

    def extract(self, start: int, end: int | None) -> str:
        """Between two positions: Markdown when it is the whole table, else the cells as they look."""
        last = self.height - 1
        end = (last + 1) * _STRIDE if end is None else end
        if start <= 0 and end >= last * _STRIDE + len(self._row_text(last)):
            return self._block.text
        first_row, first_column = divmod(max(0, start), _STRIDE)
        last_row, last_column = divmod(end, _STRIDE)
        pieces = []
        for row in range(first_row, min(last_row, last) + 1):
            if not self._is_line(row):
                text = self._row_text(row)[: last_column if row == last_row else None]
                pieces.append(text[first_column:] if row == first_row else text)
        return "\n".join(pieces)

    def find(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        """Where ``pattern`` occurs within a row."""
        for row in range(self.height):
            if not self._is_line(row):
                for match in pattern.finditer(self._row_text(row)):
                    yield row * _STRIDE + match.start(), row * _STRIDE + match.end()

    def link_at(self, offset: int) -> str | None:
        """The address of the link in the cell at this position."""
        row, column = divmod(offset, _STRIDE)
        if self._is_line(row):
            return None
        position = 0
        for cell, start, end, left, right in self._cells(row):
            at = column - position - left
            if 0 <= at < end - start:
                addresses = (url for a, b, url in cell.links if a <= start + at < b)
                return next(addresses, None)
            position += left + end - start + right + len(_SEPARATOR)
        return None

    def _is_line(self, row: int) -> bool:
        return row == (self._firsts[1] if len(self._firsts) > 1 else self.height) - 1

    def _cells(self, row: int) -> Iterator[tuple[Inline, int, int, int, int]]:
        """Each cell on a screen row: its text, the part of it shown, and the blanks around it."""
        index = bisect_right(self._firsts, row) - 1
        table_row = self._table[index]
        part = row - self._firsts[index]
        for cell, rows, width, align in zip(
            table_row.cells, table_row.wrapped, self._sizes.columns, self._aligns, strict=True
        ):
            start, end = rows[part] if part < len(rows) else (0, 0)
            blank = max(0, width - cell_len(cell.text[start:end]))
            left = {"left": 0, "right": blank, "center": blank // 2}[align]
            yield cell, start, end, left, blank - left

    def _row_text(self, row: int) -> str:
        return _SEPARATOR.join(
            " " * left + cell.text[start:end] + " " * right
            for cell, start, end, left, right in self._cells(row)
        ).rstrip()

    def _paint(self, index: int) -> PaintedRow:
        frame, theme = self._frame, self._frame.theme
        prefix = [*self._prefix.at(index), (" ", theme.text)]
        lead = sum(len(text) for text, _ in prefix)
        if self._is_line(index):
            line = "─┼─".join("─" * width for width in self._sizes.columns)
            pieces = [*self._prefix.at(index), ("─" + line + "─", theme.table_line)]
            return paint_row(frame, pieces, theme.text, lead=lead, start=index * _STRIDE)
        header = index < self._firsts[1] if len(self._firsts) > 1 else True
        pieces = [*prefix, *self._pieces(index, theme.table_header if header else theme.text)]
        length = len(self._row_text(index))
        return paint_row(frame, pieces, theme.text, lead=lead, start=index * _STRIDE, length=length)

    def _pieces(self, row: int, base: Style) -> Iterator[Piece]:
        theme = self._frame.theme
        for column, (cell, start, end, left, right) in enumerate(self._cells(row)):
            if column:
                yield _SEPARATOR, theme.table_line
            yield " " * left, theme.text
            yield from style_runs(cell, start, end, base, theme)
            yield " " * right, theme.text


def _alignment(delimiter: str) -> Align:
    if delimiter.endswith(":"):
        return "center" if delimiter.startswith(":") else "right"
    return "left"


def _share(needs: list[int], room: int) -> list[int]:
    """Give each column what it needs, the widest ones an equal share when there is too little."""
    if sum(needs) <= room:
        return needs
    widths = [0] * len(needs)
    left, columns = room, sorted(range(len(needs)), key=needs.__getitem__)
    for position, column in enumerate(columns):
        fair = left // (len(columns) - position)
        widths[column] = max(1, min(needs[column], fair))
        left -= widths[column]
    return widths
