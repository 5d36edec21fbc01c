"""What is selected, in positions of the text rather than of the screen.

Textual's selections are pairs of (x, y) offsets that it compares and hands back. Here y names a section of
an entry and x a position in its text, so that a selection stays on its words when the page is wrapped
anew, grows or is corrected above.
"""

from __future__ import annotations

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from app.tui.transcript.document import Document, DocumentRow

__all__ = ("key_of", "selected_span", "selected_text", "tag_row")

_SECTION_BITS = 32


def key_of(entry: int, section: int) -> int:
    """The y of a section; in the order of the page."""
    return entry << _SECTION_BITS | section


def _place_of(key: int) -> tuple[int, int]:
    return key >> _SECTION_BITS, key & (1 << _SECTION_BITS) - 1


def tag_row(row: DocumentRow) -> Strip:
    """The row's strip with the offsets by which Textual finds what is under the mouse."""
    painted = row.painted
    key = key_of(row.entry, row.section)
    text = painted.strip.text
    lead, end = painted.lead, painted.lead + painted.length
    at_start = Style.from_meta({"offset": (painted.start, key)})
    # One segment a character, for Textual counts on from the offset of the segment that was hit.
    tagged = [Segment(character, at_start) for character in text[:lead]]
    if painted.length:
        tagged.append(Segment(text[lead:end], Style.from_meta({"offset": (painted.start, key)})))
    after = Style.from_meta({"offset": (painted.start + painted.length, key)})
    tagged.extend(Segment(character, after) for character in text[end:])
    return Strip(tagged, painted.strip.cell_length)


def selected_span(selection: Selection, row: DocumentRow) -> tuple[int, int] | None:
    """Which characters of the row's strip are selected, end exclusive."""
    painted = row.painted
    key = key_of(row.entry, row.section)
    start, end = selection
    first, last = painted.start, painted.start + painted.length
    if row.inner < 0 or (start is not None and key < start.y) or (end is not None and key > end.y):
        return None
    if start is not None and key == start.y:
        first = max(first, start.x)
    if end is not None and key == end.y:
        last = min(last, end.x)
    if first >= last:
        return None
    return painted.lead + first - painted.start, painted.lead + last - painted.start


def selected_text(document: Document, selection: Selection) -> str:
    """The text between the ends of a selection, without anything that is only drawn."""
    if not document.entries:
        return ""
    start = selection.start or Offset(0, 0)
    end = selection.end
    first_entry, first_section = _place_of(start.y)
    last_entry, last_section = _place_of(end.y) if end else (len(document.entries) - 1, 1 << _SECTION_BITS)
    single = (first_entry, first_section) == (last_entry, last_section)
    pieces: list[str] = []
    for entry in range(first_entry, min(last_entry, len(document.entries) - 1) + 1):
        sections = document.peek(entry).sections
        begin = first_section if entry == first_entry else 0
        stop = last_section + 1 if entry == last_entry else len(sections)
        for index in range(begin, min(stop, len(sections))):
            gap, layout = sections[index]
            at_first = (entry, index) == (first_entry, first_section)
            at_last = end is not None and (entry, index) == (last_entry, last_section)
            begin_at = start.x if at_first else 0
            text = layout.extract(begin_at, end.x if at_last and end else None)
            if begin_at <= 0 and not single:
                text = layout.before + text
            if pieces and not layout.continues:
                pieces.append("\n" * (gap + 1))
            pieces.append(text)
    return "".join(pieces)
