"""Breaking text into rows of a terminal's cells."""

from __future__ import annotations

from functools import lru_cache

from rich.cells import cell_len, split_graphemes

__all__ = ("Row", "chop_line", "chop_rows", "is_single_width", "wrap_text")

Row = tuple[int, int]
"""Where a row's text begins and ends (exclusive) in the text that was wrapped."""

# After https://www.w3.org/TR/jlreq/ 3.1.7 and 3.1.8: what may not begin, and not end, a line.
_NOT_FIRST = frozenset("、。，．・：；？！）］｝〕〉》」』】〙〗〟’”…ー々,.:;?!)]}")  # noqa: RUF001
_NOT_LAST = frozenset("（［｛〔〈《「『【〘〖〝‘“([{")  # noqa: RUF001


@lru_cache(maxsize=8192)
def is_single_width(text: str) -> bool:
    """Whether each character takes exactly one cell, so that cells can be counted by ``len``."""
    return text.isascii() or cell_len(text) == len(text) == len(split_graphemes(text)[0])


def wrap_text(text: str, width: int) -> list[Row]:
    """Break ``text`` at its newlines, and at white space or between wide characters to fit ``width``.

    The white space at a break belongs to no row. There is always at least one row.
    """
    rows: list[Row] = []
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if len(line) <= width and (line.isascii() or cell_len(line) <= width):
            rows.append((start, end))
        elif line.isascii():
            _wrap_ascii(text, start, end, width, rows)
        else:
            _wrap_wide(line, start, width, rows)
        start = end + 1
    return rows


def _wrap_ascii(text: str, start: int, end: int, width: int, rows: list[Row]) -> None:
    while end - start > width:
        cut = text.rfind(" ", start, start + width + 1)
        while cut > start and text[cut - 1] == " ":
            cut -= 1
        if cut <= start:  # one long word
            rows.append((start, start + width))
            start += width
            continue
        rows.append((start, cut))
        start = cut
        while start < end and text[start] == " ":
            start += 1
    if start < end:
        rows.append((start, end))


def _wrap_wide(line: str, offset: int, width: int, rows: list[Row]) -> None:
    graphemes, _ = split_graphemes(line)
    row_start = 0  # in characters
    cells = 0
    break_end, break_next, cells_after = -1, -1, 0  # the last place to break at
    previous, previous_wide = "", False
    for start, end, size in graphemes:
        character = line[start:end]
        if character == " ":
            if previous != " ":
                break_end = start
            break_next, cells_after = end, 0
        elif (
            (previous_wide or size == 2)
            and previous not in _NOT_LAST
            and character not in _NOT_FIRST
            and start > row_start
            and previous != " "
        ):
            break_end = break_next = start
            cells_after = 0
        while cells + size > width and character != " " and start > row_start:
            if break_end <= row_start:
                break_end = break_next = start
                cells_after = 0
            rows.append((offset + row_start, offset + break_end))
            row_start, cells = break_next, cells_after
            break_end = -1
        cells += size
        if character != " ":
            cells_after += size
        previous, previous_wide = character, size == 2
    if row_start < len(line):
        rows.append((offset + row_start, offset + len(line)))


def chop_line(line: str, width: int) -> list[Row]:
    """Break a line of code at ``width`` wherever that is; at least one row."""
    if line.isascii():
        if len(line) <= width:
            return [(0, len(line))]
        return [(start, min(start + width, len(line))) for start in range(0, len(line), width)]
    rows: list[Row] = []
    row_start = cells = 0
    for start, _, size in split_graphemes(line)[0]:
        if cells + size > width and start > row_start:
            rows.append((row_start, start))
            row_start, cells = start, 0
        cells += size
    rows.append((row_start, len(line)))
    return rows


def chop_rows(text: str, width: int) -> list[Row]:
    """As ``chop_line`` for each of the lines of ``text``."""
    rows: list[Row] = []
    start = 0
    for line in text.split("\n"):
        rows.extend((start + a, start + b) for a, b in chop_line(line, width))
        start += len(line) + 1
    return rows
