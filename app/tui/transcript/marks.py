"""Marks on an answer that is read aloud: the clause being spoken, and what was not heard.

Marks are given as places in the answer's Markdown as it arrived, and painted where that is on screen,
markup left out. They are laid over rows as these are painted, so that a mark that moves costs the rows
on screen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rich.style import Style
from textual.strip import Strip

from app.tui.transcript.block_column import Source
from app.tui.transcript.document import Document, DocumentRow
from app.tui.transcript.entry import Entry, EntryId
from app.tui.transcript.layout import FlowLayout
from app.tui.transcript.painted import restyle
from app.tui.transcript.theme import Theme

__all__ = ("Spoken", "mark_speech", "shown_place", "spoken_rows")

_FURTHEST = 400
"""Characters of markup, such as the address of a link, that may stand between two shown ones."""

_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Spoken:
    """The clause that is spoken now: which answer, and from where to where in its text as it arrived."""

    id: EntryId
    start: int
    end: int


@lru_cache(maxsize=256)
def shown_place(source: str, shown: str, place: int) -> int:
    """Where in the shown text of a block a place in its Markdown is; within markup, what follows it.

    What is shown is the Markdown with some characters left out, so both are walked side by side.
    """
    position = 0
    for index, character in enumerate(shown):
        if character.isspace():
            space = _SPACE.search(source, position, position + _FURTHEST)
            found = space.start() if space else -1
        else:
            found = source.find(character, position, position + _FURTHEST)
        if found >= 0:
            if found >= place:
                return index
            position = found + 1
        elif position >= place:
            return index
    return len(shown)


def mark_speech(document: Document, row: DocumentRow, strip: Strip, spoken: Spoken | None) -> Strip:
    """Lay the marks of its answer over a row."""
    entry = document.entries[row.entry]
    if row.inner < 0 or (entry.heard is None and (spoken is None or spoken.id != entry.id)):
        return strip
    source = document.view(row.entry).source(row.section)
    if source is None:
        return strip
    unheard, now = _styles(document.frame.theme)
    if entry.heard is not None:
        strip = _styled(document, row, strip, source, (entry.place(entry.heard), len(entry.text)), unheard)
    if spoken is not None and spoken.id == entry.id:
        strip = _styled(document, row, strip, source, _span(entry, spoken), now)
    return strip


def _span(entry: Entry, spoken: Spoken) -> tuple[int, int]:
    return entry.place(spoken.start), entry.place(spoken.end)


def _styles(theme: Theme) -> tuple[Style, Style]:
    """Dimming that leaves backgrounds as they are, and a background that leaves colours as they are."""
    return theme.unheard.without_color + Style(color=theme.unheard.color), theme.spoken.without_color + Style(
        bgcolor=theme.spoken.bgcolor
    )


def _styled(
    document: Document,
    row: DocumentRow,
    strip: Strip,
    source: Source,
    span: tuple[int, int],
    style: Style,
) -> Strip:
    marked = _span_in(document, row.entry, row.section, source, span)
    if marked is None:
        return strip
    painted = row.painted
    first = max(marked[0] - painted.start, 0)
    last = min(marked[1] - painted.start, painted.length)
    if painted.length == 0 and marked == _ALL:  # a border or a label of something that is marked whole
        last = len(strip.text) - painted.lead
    if first >= last:
        return strip
    return restyle(strip, painted.lead + first, painted.lead + last, style)


_ALL = (0, 1 << 60)


def _span_in(
    document: Document, entry: int, section: int, source: Source, span: tuple[int, int]
) -> tuple[int, int] | None:
    """The part of a section's shown text that a part of the answer's Markdown is."""
    start, end = span
    if end <= source.start or start >= source.end:
        return None
    layout = document.view(entry).sections[section].layout
    if not isinstance(layout, FlowLayout) or (start <= source.start and end >= source.end):
        return _ALL
    markdown, shown = document.entries[entry].text[source.start : source.end], layout.text
    return (
        shown_place(markdown, shown, start - source.start) if start > source.start else 0,
        shown_place(markdown, shown, end - source.start) if end < source.end else len(shown),
    )


def spoken_rows(document: Document, spoken: Spoken) -> tuple[int, int] | None:
    """First row of the page that the clause is on, and the row after its last, if it is shown."""
    entry = document.place(spoken.id)
    view = document.view(entry)
    span = _span(document.entries[entry], spoken)
    top, _ = document.extent(entry)
    rows: list[int] = []
    for section in range(len(view.sections)):
        source = view.source(section)
        marked = source and _span_in(document, entry, section, source, span)
        if not marked:
            continue
        layout = view.sections[section].layout
        last = layout.height - 1 if marked == _ALL else layout.row_at(max(marked[0], marked[1] - 1))
        rows += [top + view.row_of(section, layout.row_at(marked[0])), top + view.row_of(section, last)]
    return (min(rows), max(rows) + 1) if rows else None
