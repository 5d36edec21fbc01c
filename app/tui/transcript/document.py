"""The whole conversation as one tall page, laid out where it is looked at.

Entries that were never seen have an estimated height. It is corrected when they are laid out, and
``settle`` says by how much the rows below have moved, so that the view can move with them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.tui.transcript.code_layout import CodeLayout
from app.tui.transcript.entry import AnswerState, Entry, EntryId
from app.tui.transcript.entry_view import EntryView, estimate_height
from app.tui.transcript.heights import Heights
from app.tui.transcript.painted import Frame, PaintedRow
from core.safe_text import safe_text

__all__ = ("Document", "DocumentRow", "ReadingPosition")

_KEPT_VIEWS = 64
"""Entries that stay laid out; the others keep their text and height only."""


class DocumentRow(NamedTuple):
    """A row of the page: what is drawn, and of which section of which entry."""

    painted: PaintedRow
    entry: int
    section: int
    inner: int
    """Row within the section's layout; negative in the gap above it."""


class ReadingPosition(NamedTuple):
    """What stands at a row, whatever the width."""

    entry: int
    section: int
    offset: int
    """Position in the section's text, or the (negative) row in the gap above it."""


@dataclass(slots=True)
class _Arriving:
    """Text that has been appended and not been laid out."""

    text: list[str]
    reasoning: list[str]


class Document:
    """Entries, their heights and views."""

    def __init__(self, frame: Frame) -> None:
        self.entries: list[Entry] = []
        self._frame = frame
        self._places: dict[EntryId, int] = {}
        self._heights = Heights()
        self._views: OrderedDict[int, EntryView] = OrderedDict()
        self._streaming: dict[int, _Arriving] = {}
        self._reasoning_shown: dict[EntryId, bool] = {}
        self._folded: dict[EntryId, set[int]] = {}
        self.show_reasoning = False

    # What is in it

    def load(self, entries: Iterable[Entry]) -> None:
        """Replace everything."""
        self.entries = [_made_safe(entry) for entry in entries]
        self._places = {entry.id: place for place, entry in enumerate(self.entries)}
        self._streaming = {
            place: _Arriving([], []) for place, entry in enumerate(self.entries) if entry.state == "streaming"
        }
        self._reasoning_shown.clear()
        self._folded.clear()
        self._forget_layout()

    def add(self, entry: Entry) -> None:
        """Add an entry at the end.

        Raises:
            ValueError: if there is an entry of this id.
        """
        if entry.id in self._places:
            raise ValueError(f"entry {entry.id!r} is already in the transcript")
        place = len(self.entries)
        self._places[entry.id] = place
        entry = _made_safe(entry)
        self.entries.append(entry)
        self._heights.append(estimate_height(entry, self._frame.width))
        if entry.state == "streaming":
            self._streaming[place] = _Arriving([], [])

    def place(self, id: EntryId) -> int:  # noqa: A002
        """Where an entry is.

        Raises:
            KeyError: if there is none of this id.
        """
        return self._places[id]

    def has(self, id: EntryId) -> bool:  # noqa: A002
        """Whether there is an entry of this id."""
        return id in self._places

    def rename(self, id: EntryId, new_id: EntryId) -> None:  # noqa: A002
        """Give an entry another id."""
        place = self._places.pop(id)
        self._places[new_id] = place
        self.entries[place].id = new_id
        if id in self._reasoning_shown:
            self._reasoning_shown[new_id] = self._reasoning_shown.pop(id)
        if id in self._folded:
            self._folded[new_id] = self._folded.pop(id)

    def cut(self, length: int) -> None:
        """Remove the entries from this place on."""
        for place in range(length, len(self.entries)):
            del self._places[self.entries[place].id]
            self._folded.pop(self.entries[place].id, None)
            self._views.pop(place, None)
            self._streaming.pop(place, None)
        del self.entries[length:]
        self._heights.cut(length)

    def changed(self, place: int) -> None:
        """An entry's header, footer or the like was changed."""
        if (view := self._views.get(place)) is not None:
            view.sync()
            self._heights.set(place, view.height)

    # Text that arrives

    def append(self, id: EntryId, text: str = "", reasoning: str = "") -> bool:  # noqa: A002
        """Take in text of an answer, shown after ``drain``; ``False`` where it is not streaming."""
        arriving = self._streaming.get(self._places.get(id, -1))
        if arriving is None:
            return False
        if text:
            arriving.text.append(text)
        if reasoning:
            arriving.reasoning.append(reasoning)
        return True

    def drain(self) -> bool:
        """Lay out what has been appended; says whether there was anything."""
        drained = False
        for place, arriving in self._streaming.items():
            if arriving.text or arriving.reasoning:
                self._drain(place, arriving)
                drained = True
        return drained

    def _drain(self, place: int, arriving: _Arriving) -> None:
        entry, view = self.entries[place], self.view(place)
        arrived = "".join(arriving.text)
        text, reasoning = safe_text(arrived), safe_text("".join(arriving.reasoning))
        entry.left_out += _left_out(arrived, len(entry.text) + len(entry.left_out))
        arriving.text.clear()
        arriving.reasoning.clear()
        answering = not entry.text and bool(text)
        entry.text += text
        entry.reasoning += reasoning
        shown = self._shows_reasoning(entry)
        if answering and view.reasoning_shown != shown:  # the answer begins: fold the reasoning
            self._views.pop(place)
            self.view(place)
            return
        view.feed(text, reasoning)
        view.sync()
        self._heights.set(place, view.height)

    def finish(self, place: int, state: AnswerState) -> None:
        """End an answer."""
        arriving = self._streaming.get(place)
        if arriving is not None:
            self._drain(place, arriving)
            del self._streaming[place]
        entry, view = self.entries[place], self.view(place)
        entry.state = state
        if state == "complete" and view.reasoning_shown != self._shows_reasoning(entry):
            self._views.pop(place)  # it ends in a call of a tool: there is no answer that folded it
            view = self.view(place)
        view.finish()
        view.sync()
        self._heights.set(place, view.height)

    @property
    def streaming(self) -> bool:
        """Whether an answer is still arriving."""
        return bool(self._streaming)

    # Layout

    @property
    def frame(self) -> Frame:
        """What it is laid out for."""
        return self._frame

    def set_frame(self, frame: Frame) -> None:
        """Lay everything out anew, as far as it is looked at."""
        self._frame = frame
        self._forget_layout()

    def toggle_reasoning(self, place: int) -> None:
        """Fold or unfold the reasoning of an answer."""
        entry = self.entries[place]
        self._reasoning_shown[entry.id] = not self._shows_reasoning(entry)
        self._views.pop(place, None)
        self.view(place)

    def toggle_fold(self, place: int, nest: int) -> None:
        """Fold or unfold the object or array that begins on this line of a JSON answer."""
        self._fold(place, self._folded.get(self.entries[place].id, set()) ^ {nest})

    def toggle_folds(self, place: int) -> None:
        """Unfold all of a JSON answer or, where nothing is folded, fold all but its outermost."""
        json = self.view(place).json
        if json is not None:
            self._fold(place, set() if self._folded.get(self.entries[place].id) else {*json.inner_nests})

    def _fold(self, place: int, folded: set[int]) -> None:
        self._folded[self.entries[place].id] = folded
        self._views.pop(place, None)
        self.view(place)

    def _shows_reasoning(self, entry: Entry) -> bool:
        if entry.kind == "tool":
            return self._reasoning_shown.get(entry.id, False)
        thinking = entry.state == "streaming" and not entry.text
        return self._reasoning_shown.get(entry.id, self.show_reasoning or thinking)

    def _forget_layout(self) -> None:
        self._views.clear()
        self._heights = Heights()
        for entry in self.entries:
            self._heights.append(estimate_height(entry, self._frame.width))

    def view(self, place: int) -> EntryView:
        """An entry laid out; its height is exact from now on."""
        view = self._views.get(place)
        if view is not None:
            self._views.move_to_end(place)
            return view
        view = self._views[place] = self.peek(place)
        self._heights.set(place, view.height)
        self._evict()
        return view

    def peek(self, place: int) -> EntryView:
        """An entry laid out, without keeping it: for reading what is not on screen."""
        view = self._views.get(place)
        if view is not None:
            return view
        entry = self.entries[place]
        before = self.entries[place - 1] if place else None
        gap = int(before is not None and not (entry.kind == before.kind in ("notice", "tool")))
        return EntryView(
            entry,
            self._frame,
            gap=gap,
            reasoning_shown=self._shows_reasoning(entry),
            folded=self._folded.get(entry.id, ()),
        )

    def _evict(self) -> None:
        if len(self._views) <= _KEPT_VIEWS + len(self._streaming):
            return
        oldest = next(place for place in self._views if place not in self._streaming)
        del self._views[oldest]

    @property
    def height(self) -> int:
        """Rows of the whole page; partly estimated."""
        return self._heights.total

    def settle(self, top: int, rows: int) -> int:
        """Lay out what is between two rows; returns how far ``top`` must move to show the same.

        What grows above or at the top row moves what is below it, which is what has been seen.
        """
        moved = 0
        while True:
            changed = False
            for place in self._visible(top + moved, rows):
                before = self._heights[place]
                self.view(place)
                if growth := self._heights[place] - before:
                    changed = True
                    if self._heights.top(place) < top + moved:
                        moved += growth
            if not changed:
                return moved

    def _visible(self, top: int, rows: int) -> range:
        if not self.entries:
            return range(0)
        return range(self._heights.find(top), self._heights.find(top + rows - 1) + 1)

    def visible_codes(self, top: int, rows: int) -> Iterator[CodeLayout]:
        """The code blocks of the entries between two rows."""
        for place in self._visible(top, rows):
            yield from self.view(place).codes

    def row(self, y: int) -> DocumentRow | None:
        """The row at this height of the page, or ``None`` below its end."""
        if y < 0 or y >= self._heights.total:
            return None
        place = self._heights.find(y)
        view = self.view(place)
        inner = y - self._heights.top(place)
        if inner >= view.height:
            return None
        section, row = view.section_at(inner)
        return DocumentRow(view.row(inner), place, section, row)

    def position_at(self, y: int) -> ReadingPosition | None:
        """What is read at this row, to be found again after the layout changed."""
        row = self.row(y)
        if row is None:
            return None
        offset = row.inner if row.inner < 0 else row.painted.start
        return ReadingPosition(row.entry, row.section, offset)

    def row_of(self, position: ReadingPosition) -> int:
        """The row where this is now."""
        view = self.view(position.entry)
        section = min(position.section, len(view.sections) - 1)
        layout = view.sections[section].layout
        row = position.offset if position.offset < 0 else layout.row_at(position.offset)
        return self._heights.top(position.entry) + view.row_of(section, row)

    def extent(self, place: int) -> tuple[int, int]:
        """First row of an entry and the row after its last."""
        self.view(place)
        return self._heights.top(place), self._heights.top(place + 1)

    def places(self, kind: str) -> Iterator[int]:
        """Where the entries of a kind are, last first."""
        return (p for p in range(len(self.entries) - 1, -1, -1) if self.entries[p].kind == kind)


def _made_safe(entry: Entry) -> Entry:
    return replace(
        entry,
        text=safe_text(entry.text),
        reasoning=safe_text(entry.reasoning),
        left_out=_left_out(entry.text, 0),
    )


def _left_out(text: str, begins: int) -> list[int]:
    """Where characters stand that ``safe_text`` leaves out; the text begins at ``begins``."""
    if len(safe_text(text)) == len(text):
        return []
    return [place for place, character in enumerate(text, begins) if not safe_text(character)]
