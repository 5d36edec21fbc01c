"""A JSON answer in rows: set out, coloured, and with objects and arrays that fold."""

from __future__ import annotations

import textwrap
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator

from app.tui.transcript.highlight import Group
from app.tui.transcript.layout import Layout, Piece
from app.tui.transcript.painted import Frame, PaintedRow, paint_row
from app.tui.transcript.wrap import chop_line
from core.written_json import Indenter, is_json, tokens

__all__ = ("JsonLayout",)

_OPEN, _FOLDED, _NONE = "▾ ", "▸ ", "  "
_WORDS = frozenset({"true", "false", "null"})


class JsonLayout(Layout):
    """A line a property or item. Grows with its answer; it folds once that is whole.

    Text that turns out to be no JSON is shown as the model wrote it.

    Args:
        frame: what it is laid out for.
        margin: what stands left of every row.
        folded: the lines that begin an object or array which is folded.
    """

    def __init__(self, frame: Frame, margin: Piece, folded: Collection[int]) -> None:
        super().__init__()
        self._frame = frame
        self._margin = margin
        self._folded = folded
        self._columns = max(1, frame.width - len(margin[0]) - len(_NONE) - 1)
        self._arrived: list[str] = []
        self._indenter = Indenter()
        self._lines: list[str] = self._indenter.lines
        self._ends: dict[int, int] = {}  # of each object or array: the lines it begins and ends on
        self._starts: list[int] = []  # of each line in the text
        self._rows_of: list[tuple[int, int, int]] = []  # line, start and end in it
        self._final = 0  # lines that will not change any more
        self._is_json = True
        self.height = 1

    def feed(self, text: str) -> None:
        """Add safe text; it is laid out by ``update``."""
        self._arrived.append(text)
        self._indenter.feed(text)

    def finish(self) -> None:
        """Nothing more will come."""
        self._indenter.finish()
        text = "".join(self._arrived)
        self._is_json = is_json(text)
        if self._is_json:
            self._ends = {line: nest.last for line, nest in self._indenter.nests.items() if nest.last}
        else:
            self._lines = [line.expandtabs(4) for line in text.split("\n")]
        self._final = 0

    def update(self) -> None:
        """Lay out the lines that have arrived or changed."""
        first = bisect_left(self._rows_of, (self._final,))
        del self._rows_of[first:], self._starts[self._final :]
        hidden_to = -1
        for index in range(self._final, len(self._lines)):
            line = self._lines[index]
            before = self._starts[-1] + len(self._lines[index - 1]) + 1 if self._starts else 0
            self._starts.append(before)
            if index > hidden_to:
                self._rows_of.extend((index, start, end) for start, end in chop_line(line, self._columns))
                if index in self._folded and index in self._ends:
                    hidden_to = self._ends[index]
        self._final = len(self._lines) - 1 if hidden_to < 0 else 0
        self.height = len(self._rows_of)
        self.forget(first)

    @property
    def text(self) -> str:
        """All of its text, with what is folded."""
        return "\n".join(self._lines)

    def row_at(self, offset: int) -> int:
        """The row that shows this position of the text, or the folded object or array it is in."""
        line = max(0, bisect_right(self._starts, offset) - 1)
        return max(0, bisect_right(self._rows_of, (line, offset - self._starts[line], 1 << 60)) - 1)

    # Objects and arrays

    @property
    def nests(self) -> list[int]:
        """The lines on which objects and arrays begin that are in no folded one, from the top."""
        shown = {line for line, _, _ in self._rows_of}
        return sorted(line for line in self._ends if line in shown)

    @property
    def inner_nests(self) -> list[int]:
        """The lines on which all of them begin but the outermost."""
        return sorted(self._ends)[1:]

    def nest_at(self, row: int) -> int | None:
        """The line of the object or array that begins on a row, if one does."""
        line = self._rows_of[row][0]
        return line if line in self._ends else None

    def rows_of(self, nest: int) -> tuple[int, int]:
        """First row of an object or array and the row after its last."""
        last = nest if nest in self._folded else self._ends[nest]
        return bisect_left(self._rows_of, (nest,)), bisect_left(self._rows_of, (last + 1,))

    def text_of(self, nest: int) -> str:
        """An object or array alone, without its name."""
        first, *others = self._lines[nest : self._ends[nest] + 1]
        inner = textwrap.dedent("\n".join(others)).removesuffix(",")
        return f"{first[-1]}\n{inner}"

    # Painting

    def _paint(self, index: int) -> PaintedRow:
        theme = self._frame.theme
        line, start, end = self._rows_of[index]
        begins = start == 0 and line in self._ends
        folded = begins and line in self._folded
        mark = (_FOLDED if folded else _OPEN) if begins else _NONE
        pieces = [self._margin, (mark, theme.code_label), *self._pieces(line, start, end)]
        if line in self._folded and line in self._ends and end == len(self._lines[line]):
            size = self._indenter.nests[line].size
            pieces += [
                (f" … {size} ", theme.code_label),
                (self._lines[self._ends[line]].strip(), theme.code_operator),
            ]
        lead = len(self._margin[0]) + len(mark)
        position = self._starts[line] + start
        return paint_row(self._frame, pieces, theme.code, lead=lead, start=position, length=end - start)

    def _pieces(self, line: int, start: int, end: int) -> Iterator[Piece]:
        text, theme = self._lines[line], self._frame.theme
        position = start
        for at, lexeme in tokens(text) if self._is_json else ():
            first, last = max(at, position), min(at + len(lexeme), end)
            if first >= last:
                continue
            if first > position:
                yield text[position:first], theme.code
            yield text[first:last], theme.tokens[_group(lexeme, text.startswith(":", at + len(lexeme)))]
            position = last
        if position < end:
            yield text[position:end], theme.code


def _group(lexeme: str, is_name: bool) -> Group:
    if lexeme in "{}[],:":
        return "operator"
    if lexeme.startswith('"'):
        return "name" if is_name else "string"
    return "keyword" if lexeme in _WORDS else "number"
