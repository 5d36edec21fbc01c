"""Tables for people: aligned columns, cut to the terminal's width; a pipe gets every cell whole."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from rich.cells import cell_len

from app.cells import column
from app.cli.output import DIM, emit_line, harmless, paint
from app.cli.terminal import is_terminal

__all__ = ("emit_table", "render_table", "terminal_width")

_GAP = "  "
_USUAL = 40
"""Cells of a text's column that are not taken from it for the sake of the columns after it."""


def emit_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()
) -> None:
    """Write a table to stdout; on a terminal very wide columns are cut, and the last where they leave it.

    Args:
        headers: one a column.
        rows: cells of one line each; line breaks become spaces.
        right: columns (from 0) that are aligned on the right, such as numbers.
    """
    head, *lines = render_table(headers, rows, right=right, width=terminal_width())
    for line in (paint(head, DIM, sys.stdout), *lines):
        emit_line(line)


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is; ``None`` where it is none."""
    return shutil.get_terminal_size().columns if is_terminal(sys.stdout) else None


def render_table(
    headers: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: frozenset[int] = frozenset(),
    width: int | None = None,
) -> list[str]:
    """The lines of a table: headers, then rows; none is wider than ``width`` cells, where that is given."""
    cells = [list(headers), *([" ".join(harmless(cell).split()) for cell in row] for row in rows)]
    widths = [max(cell_len(row[n]) for row in cells) for n in range(len(headers))]
    if width is not None:
        widths = _narrowed(widths, right, width - len(_GAP) * (len(widths) - 1))
    lines = []
    for row in cells:
        padded = (column(cell, widths[n], right=n in right) for n, cell in enumerate(row))
        line = _GAP.join(padded).rstrip()
        lines.append(line if width is None else column(line, width).rstrip())
    return lines


def _narrowed(widths: Sequence[int], right: frozenset[int], room: int) -> list[int]:
    """Widths that fit into the room, as far as the widest texts can give way to the others."""
    narrowed = list(widths)
    while (excess := sum(narrowed) - room) > 0:
        widest = max(
            (n for n in range(len(narrowed)) if n not in right), key=narrowed.__getitem__, default=None
        )
        if widest is None or narrowed[widest] <= _USUAL:
            break
        below = max((width for width in narrowed if width < narrowed[widest]), default=0)
        narrowed[widest] = max(_USUAL, below, narrowed[widest] - excess)
    return narrowed
