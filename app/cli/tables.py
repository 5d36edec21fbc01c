"""Tables for people: aligned columns, cut to the terminal's width; a pipe gets every cell whole."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from app.cli.output import DIM, emit_line, harmless, paint
from app.cli.terminal import is_terminal

__all__ = ("cell_width", "emit_table", "render_table")

_GAP = "  "


def emit_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> None:
    """Write a table to stdout; the last column is cut where it leaves the terminal.

    Args:
        headers: one a column.
        rows: cells of one line each; line breaks become spaces.
        right: columns (from 0) that are aligned on the right, such as numbers.
    """
    width = shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None
    head, *lines = render_table(headers, rows, right=right, width=width)
    for line in (paint(head, DIM, sys.stdout), *lines):
        emit_line(line)


def render_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: frozenset[int] = frozenset(),
    width: int | None = None,
) -> list[str]:
    """The lines of a table: headers, then rows; none is wider than ``width`` cells."""
    cells = [list(headers), *([" ".join(harmless(cell).split()) for cell in row] for row in rows)]
    widths = [max(cell_width(row[column]) for row in cells) for column in range(len(headers))]
    lines = []
    for row in cells:
        padded = []
        for column, (cell, room) in enumerate(zip(row, widths, strict=True)):
            space = " " * (room - cell_width(cell))
            padded.append(space + cell if column in right else cell + space)
        line = _GAP.join(padded).rstrip()
        lines.append(line if width is None else _cut(line, width))
    return lines


def cell_width(text: str) -> int:
    """Columns a terminal gives ``text``: wide East Asian characters and emoji take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(_character_width(char) for char in text)


def _character_width(char: str) -> int:
    from unicodedata import category, east_asian_width

    if category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(char) in ("W", "F") else 1


def _cut(line: str, width: int) -> str:
    if cell_width(line) <= width:
        return line
    kept, used = [], 1  # the ellipsis
    for char in line:
        used += _character_width(char)
        if used > width:
            break
        kept.append(char)
    return "".join(kept).rstrip() + "…"
