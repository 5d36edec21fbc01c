"""A chart's legend in columns, so that no mark is parted from its name."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

__all__ = ("legend", "legend_room")

_BETWEEN = 3
_MOST_ROWS = 5


def legend(entries: Sequence[Content], width: int) -> Content:
    """In one line if that fits ``width`` cells, else in columns; an entry is never broken."""
    if not entries:
        return Content("")
    line = Content(" " * _BETWEEN).join(entries)
    if line.cell_length <= width:
        return line
    column = min(width, max(entry.cell_length for entry in entries))
    number = _columns(column, width)
    cells = [entry.truncate(column, ellipsis=True) for entry in entries]
    rows = [cells[at : at + number] for at in range(0, len(cells), number)]
    return Content("\n").join(_row(row, column) for row in rows)


def legend_room(longest: int, width: int) -> int:
    """How many entries of at most ``longest`` cells there is room for beside the chart."""
    return _columns(min(longest, width), width) * _MOST_ROWS


def _columns(column: int, width: int) -> int:
    return max(1, (width + _BETWEEN) // (column + _BETWEEN))


def _row(cells: Sequence[Content], column: int) -> Content:
    *before, last = cells
    padded = [cell.pad_right(column - cell.cell_length) for cell in before]
    return Content(" " * _BETWEEN).join([*padded, last])
