"""Going from message to message and from code block to code block by key."""

from __future__ import annotations

from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from app.tui.transcript.document import Document, DocumentRow
from app.tui.transcript.entry_view import code_blocks

__all__ = ("Target", "mark", "neighbour", "rows_of", "text_of")


class Target(NamedTuple):
    """A message, or one of its code blocks."""

    entry: int
    code: int | None = None
    """Which of its code blocks, from 0; ``None`` for the message itself."""

    def covers(self, document: Document, row: DocumentRow) -> bool:
        """Whether a row belongs to it."""
        if row.entry != self.entry:
            return False
        if self.code is None:
            return row.inner >= 0 or row.section > 0
        codes = document.view(self.entry).code_sections
        return row.inner >= 0 and self.code < len(codes) and row.section == codes[self.code]


def neighbour(document: Document, target: Target | None, step: int) -> Target | None:
    """The next target below (+1) or above (-1); from nothing, the last one; at an end, itself."""
    if target is None:
        last = next((p for p in range(len(document.entries) - 1, -1, -1) if _targets(document, p)), None)
        return _targets(document, last)[-1] if last is not None else None
    around = _targets(document, target.entry)
    at = around.index(target) + step if target in around else 0
    if 0 <= at < len(around):
        return around[at]
    place = target.entry + step
    while 0 <= place < len(document.entries):
        if targets := _targets(document, place):
            return targets[0 if step > 0 else -1]
        place += step
    return target


def _targets(document: Document, place: int) -> list[Target]:
    if document.entries[place].kind not in ("user", "answer"):
        return []
    codes = document.peek(place).code_sections
    return [Target(place), *(Target(place, index) for index in range(len(codes)))]


def rows_of(document: Document, target: Target) -> tuple[int, int]:
    """First row of a target and the row after its last."""
    first, end = document.extent(target.entry)
    if target.code is None:
        return first, end
    view = document.view(target.entry)
    section = view.code_sections[target.code]
    start = first + view.row_of(section, 0)
    return start, start + view.sections[section].layout.height


def text_of(document: Document, target: Target) -> str:
    """What copying a target gives: the message's own text, or exactly the code."""
    entry = document.entries[target.entry]
    if target.code is None:
        return entry.text
    blocks = code_blocks(entry)
    return blocks[target.code].text if target.code < len(blocks) else ""


def mark(strip: Strip, style: Style) -> Strip:
    """A row of the target: a bar in its first column."""
    first = next(iter(strip), None)
    background = Style(bgcolor=first.style.bgcolor) if first and first.style else Style.null()
    bar = Strip([Segment("▎", style + background)], 1)
    return Strip.join([bar, strip.crop(1, strip.cell_length)])
