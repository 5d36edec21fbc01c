"""Going by key from message to message, code block to code block, and through the objects of JSON."""

from __future__ import annotations

from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from app.tui.transcript.document import Document, DocumentRow
from app.tui.transcript.entry_view import code_blocks

__all__ = ("Target", "mark", "neighbour", "rows_of", "text_of")


class Target(NamedTuple):
    """A message, one of its code blocks, or an object or array of its JSON."""

    entry: int
    code: int | None = None
    """Which of its code blocks, from 0; ``None`` for the message itself."""
    nest: int | None = None
    """The line of its JSON that the object or array begins on."""

    def covers(self, document: Document, row: DocumentRow) -> bool:
        """Whether a row belongs to it."""
        if row.entry != self.entry:
            return False
        if self.nest is not None:
            view = document.view(self.entry)
            if view.json is None or row.section != view.json_section:
                return False
            first, end = view.json.rows_of(self.nest)
            return first <= row.inner < end
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
    if document.entries[place].kind not in ("user", "answer", "tool"):
        return []
    view = document.peek(place)
    if view.json is not None:
        return [Target(place), *(Target(place, nest=nest) for nest in view.json.nests)]
    return [Target(place), *(Target(place, index) for index in range(len(view.code_sections)))]


def rows_of(document: Document, target: Target) -> tuple[int, int]:
    """First row of a target and the row after its last."""
    first, end = document.extent(target.entry)
    json, section = document.view(target.entry).json, document.view(target.entry).json_section
    if target.nest is not None and json is not None and section is not None:
        top = first + document.view(target.entry).row_of(section, 0)
        return top + json.rows_of(target.nest)[0], top + json.rows_of(target.nest)[1]
    if target.code is None:
        return first, end
    view = document.view(target.entry)
    section = view.code_sections[target.code]
    start = first + view.row_of(section, 0)
    return start, start + view.sections[section].layout.height


def text_of(document: Document, target: Target) -> str:
    """What copying a target gives: the message's own text, or exactly the code."""
    entry = document.entries[target.entry]
    json = document.view(target.entry).json
    if target.nest is not None and json is not None:
        return json.text_of(target.nest)
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
