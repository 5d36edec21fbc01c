"""Markdown that may still be arriving, laid out as a column of blocks."""

from __future__ import annotations

from typing import NamedTuple

from rich.style import Style

from app.tui.transcript.blocks import Block
from app.tui.transcript.code_layout import CodeLayout
from app.tui.transcript.inline import parse_inline
from app.tui.transcript.layout import FlowLayout, Layout, Piece, Prefix, RuleLayout
from app.tui.transcript.painted import Frame
from app.tui.transcript.splitter import BlockSplitter
from app.tui.transcript.table_layout import TableLayout

__all__ = ("MEASURE", "BlockColumn", "Section", "Source")

MEASURE = 100
"""Cells that a row of prose may be wide; longer rows are tiring to read."""

_TAB = 4


class Section(NamedTuple):
    """A block in its place: blank rows, then the block."""

    gap: int
    layout: Layout

    @property
    def height(self) -> int:
        """Rows, with the blank ones."""
        return self.gap + self.layout.height


class Source(NamedTuple):
    """Where in the Markdown a section comes from, its markers included; ``end`` is exclusive."""

    start: int
    end: int


class BlockColumn:
    """Splits text into blocks and lays them out; finished blocks are laid out once.

    Attributes:
        sections: the blocks laid out, as of the last ``sync``.
        sources: where each of them comes from.
        codes: those of them that are code.

    ``margin`` stands left of every row; ``base`` is the style of plain text.
    """

    def __init__(self, frame: Frame, margin: Piece, base: Style) -> None:
        self.sections: list[Section] = []
        self.sources: list[Source] = []
        self.codes: list[CodeLayout] = []
        self._splitter = BlockSplitter()
        self._frame = frame
        self._margin = margin
        self._base = base
        self._final = 0  # sections that will not change any more
        self._growing: CodeLayout | TableLayout | None = None

    @property
    def blocks(self) -> list[Block]:
        """The finished blocks."""
        return self._splitter.blocks

    def feed(self, text: str) -> None:
        """Add safe text; it is laid out by ``sync``."""
        self._splitter.feed(text)

    def finish(self) -> None:
        """End the text."""
        self._splitter.finish()

    def sync(self) -> int:
        """Lay out what has changed; returns the first section that is not as it was."""
        first = self._final
        del self.sections[first:], self.sources[first:]
        blocks = self._splitter.blocks
        for index in range(first, len(blocks)):
            self._add(blocks[index], blocks[index - 1] if index else None)
        self._final = len(blocks)
        before = blocks[-1] if blocks else None
        for block in self._splitter.preview():
            self._add(block, before)
            before = block
        return first

    def _add(self, block: Block, before: Block | None) -> None:
        self.sections.append(Section(_gap(block, before), self._layout(block)))
        self.sources.append(Source(block.start, block.end))

    def _layout(self, block: Block) -> Layout:
        growing = self._growing
        if growing is not None and growing.block is block:
            growing.update()
            return growing
        prefix = self._prefix(block)
        if block.kind == "code":
            self._growing = code = CodeLayout(block, self._frame, prefix)
            self._remember(code)
            return code
        if block.kind == "table":
            self._growing = TableLayout(block, self._frame, prefix)
            return self._growing
        if block.kind == "rule":
            return RuleLayout(self._frame, prefix, MEASURE)
        inline = parse_inline(block.text.expandtabs(_TAB), unfinished=block.open)
        flow = FlowLayout(
            inline,
            self._frame,
            self._style(block),
            prefix,
            before=_source_prefix(block),
            measure=max(1, MEASURE - prefix.width),
        )
        flow.continues = block.continues
        return flow

    def _remember(self, code: CodeLayout) -> None:
        if self.codes and self.codes[-1].block.start == code.block.start:  # it was a preview until now
            self.codes.pop()
        self.codes.append(code)

    def _style(self, block: Block) -> Style:
        if block.kind == "heading":
            return self._frame.theme.heading if block.level <= 2 else self._frame.theme.subheading
        if any(container.is_quote for container in block.containers):
            return self._frame.theme.quote
        return self._base

    def _prefix(self, block: Block) -> Prefix:
        first: list[Piece] = [self._margin]
        rest: list[Piece] = [self._margin]
        room = self._frame.width // 2  # however deep it is nested
        for depth, container in enumerate(block.containers):
            if container.is_quote:
                bar: Piece = ("▎ ", self._frame.theme.quote_bar)
                first.append(bar)
                rest.append(bar)
                room -= 2
            else:
                marker = container.marker + " "
                blank: Piece = (" " * len(marker), self._base)
                fresh = depth >= len(block.containers) - block.fresh
                first.append((marker, self._frame.theme.marker) if fresh else blank)
                rest.append(blank)
                room -= len(marker)
            if room <= 0:
                break
        return Prefix(tuple(first), tuple(rest))


def _gap(block: Block, before: Block | None) -> int:
    """Blank rows above a block: around what stands out, and where the source has them."""
    if before is None or block.continues:
        return 0
    if before.kind == "heading":
        return int(block.kind == "heading")
    apart = {"heading", "code", "table", "rule"}
    return int(block.kind in apart or before.kind in apart or block.gap)


def _source_prefix(block: Block) -> str:
    """The Markdown that makes a copied block what it is."""
    prefix = ""
    for depth, container in enumerate(block.containers):
        if container.is_quote:
            prefix += "> "
        elif depth < len(block.containers) - block.fresh:
            prefix += " " * container.indent
        else:
            marker = container.marker
            tasks = {"☐": "- [ ]", "☑": "- [x]"}
            prefix += tasks.get(marker, marker if marker[0].isdigit() else "-") + " "
    return "#" * block.level + " " * bool(block.level) + prefix if block.kind == "heading" else prefix
