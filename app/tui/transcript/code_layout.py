"""A fenced code block in rows."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from app.tui.transcript.blocks import Block
from app.tui.transcript.highlight import Token
from app.tui.transcript.layout import Layout, Piece, Prefix
from app.tui.transcript.painted import Frame, PaintedRow, paint_row
from app.tui.transcript.wrap import chop_line

__all__ = ("CodeLayout",)

_TAB = 4
_FIRST_JOB = 8


class CodeLayout(Layout):
    """Code on its own background under a label with its language.

    Grows with its block: ``update`` costs the lines that are new. Code is plain at first. When enough
    of it is new, ``take_highlight_job`` hands it out to be coloured elsewhere: at the end, and before
    that each time it has doubled, so that all jobs together cost no more than twice the last one.
    """

    def __init__(self, block: Block, frame: Frame, prefix: Prefix) -> None:
        super().__init__()
        self._block = block
        self._frame = frame
        self._prefix = prefix
        self._columns = max(1, frame.width - prefix.width - 2)
        self._lines: list[str] = []  # as shown
        self._starts: list[int] = []  # of each line in the text
        self._length = 0
        self._spans: list[tuple[int, int, int]] = []  # line, start and end in it
        self._whole = 0  # lines that are complete
        self._whole_rows = 0
        self._text: str | None = None
        self._tokens: list[list[Token]] = []
        self._asked = 0  # lines that highlighting was asked for
        self.height = 1
        self.update()

    @property
    def block(self) -> Block:
        """What is laid out."""
        return self._block

    @property
    def _head(self) -> int:
        return 1

    def update(self) -> None:
        """Take in the lines that have arrived since."""
        self._drop_partial()
        for line in self._block.lines[self._whole :]:
            self._add_line(line)
        self._whole, self._whole_rows = len(self._lines), len(self._spans)
        if self._block.partial:
            self._add_line(self._block.partial)
        self._text = None
        self.height = self._head + max(1, len(self._spans))

    def _drop_partial(self) -> None:
        if len(self._lines) > self._whole:
            self._length = self._starts[self._whole]
            del self._lines[self._whole :], self._starts[self._whole :], self._spans[self._whole_rows :]
        self.forget(self._head + self._whole_rows)

    def _add_line(self, line: str) -> None:
        shown = line.expandtabs(_TAB) if "\t" in line else line
        index = len(self._lines)
        self._lines.append(shown)
        self._starts.append(self._length)
        self._length += len(shown) + (index not in self._block.broken)
        self._spans.extend((index, start, end) for start, end in chop_line(shown, self._columns))

    def take_highlight_job(self) -> tuple[list[str], str] | None:
        """Lines to be highlighted and their language, once for each time that it is worth it."""
        due = max(_FIRST_JOB, 2 * self._asked) if self._block.open else self._asked + 1
        if not self._block.language or self._whole < due:
            return None
        self._asked = self._whole
        return self._lines[: self._whole], self._block.language

    def highlight(self, tokens: list[list[Token]]) -> None:
        """Colour the lines that ``tokens`` covers."""
        self._tokens = tokens
        self.forget()

    @property
    def text(self) -> str:
        """All of its text."""
        if self._text is None:
            broken = self._block.broken
            self._text = "".join(
                line if index in broken else line + "\n" for index, line in enumerate(self._lines)
            ).removesuffix("\n")
        return self._text

    def row_at(self, offset: int) -> int:
        """The row that shows this position of the text."""
        line = bisect_right(self._starts, offset) - 1
        if line < 0:
            return 0
        row = bisect_right(self._spans, (line, offset - self._starts[line], 1 << 60)) - 1
        return self._head + max(0, row)

    def _paint(self, index: int) -> PaintedRow:
        prefix = self._prefix.at(index)
        lead = sum(len(text) for text, _ in prefix)
        frame, theme = self._frame, self._frame.theme
        if index < self._head:
            label: Piece = (f" {self._block.language}", theme.code_label)
            return paint_row(frame, [*prefix, label], theme.code_label, lead=lead)
        if not self._spans:
            return paint_row(frame, prefix, theme.code, lead=lead)
        line, start, end = self._spans[index - self._head]
        pieces = [*prefix, (" ", theme.code), *self._pieces(line, start, end)]
        position = self._starts[line] + start
        return paint_row(frame, pieces, theme.code, lead=lead + 1, start=position, length=end - start)

    def _pieces(self, line: int, start: int, end: int) -> Iterator[Piece]:
        text, theme = self._lines[line], self._frame.theme
        if line >= len(self._tokens):
            yield text[start:end], theme.code
            return
        position = start
        for token_start, token_end, group in self._tokens[line]:
            a, b = max(token_start, position), min(token_end, end)
            if a >= b:
                continue
            if a > position:
                yield text[position:a], theme.code
            yield text[a:b], theme.tokens[group]
            position = b
        if position < end:
            yield text[position:end], theme.code
