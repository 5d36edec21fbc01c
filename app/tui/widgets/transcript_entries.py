"""The conversation as it grows: its messages, answers that arrive, calls of tools, and what is read aloud."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from textual.geometry import Region
from textual.reactive import var
from textual.strip import Strip

from app.tui.transcript.document import DocumentRow
from app.tui.transcript.entry import AnswerState, Entry, EntryId
from app.tui.transcript.marks import Spoken, mark_speech, spoken_rows
from app.tui.widgets.transcript_page import TranscriptPage
from core.safe_text import safe_text

__all__ = ("TranscriptEntries",)


class TranscriptEntries(TranscriptPage):
    """Takes what is to be shown. Filling it is never awaited, and appending is O(1)."""

    show_reasoning: var[bool] = var(False, init=False)
    """Whether reasoning is unfolded unless the user folds it."""

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._spoken: Spoken | None = None
        self._listening_at: int | None = None  # where we scrolled to for the clause that is spoken
        self._unnamed = 0

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is shown, in order; not to be changed."""
        return tuple(self._document.entries)

    def load(self, entries: Iterable[Entry]) -> None:
        """Replace the whole conversation and show its end."""
        self._document.load(entries)
        self._forget_places()
        self.follow()

    def clear(self) -> None:
        """Show an empty conversation."""
        self.load(())

    def add_user(
        self,
        id: EntryId,  # noqa: A002
        text: str,
        *,
        time: str = "",
        attachments: tuple[str, ...] = (),
        branch: tuple[int, int] | None = None,
    ) -> None:
        """Add what the user said, and follow the end."""
        self._document.add(Entry("user", id, text, time=time, attachments=attachments, branch=branch))
        self.follow()

    def begin_answer(
        self,
        id: EntryId,  # noqa: A002
        header: str = "",
        *,
        time: str = "",
        json: bool = False,
    ) -> None:
        """Add an empty answer in state ``streaming``; text for it, or JSON, may arrive at once."""
        self._add(Entry("answer", id, header=header, time=time, state="streaming", json=json))

    def append_text(self, id: EntryId, text: str) -> None:  # noqa: A002
        """Add a piece of the answer; ignored where no such answer is streaming."""
        if self._document.append(id, text=text):
            self._text_arrived()

    def append_reasoning(self, id: EntryId, text: str) -> None:  # noqa: A002
        """Add a piece of reasoning; ignored where no such answer is streaming."""
        if self._document.append(id, reasoning=text):
            self._text_arrived()

    def set_header(self, id: EntryId, header: str) -> None:  # noqa: A002
        """Change who answers, as when the route changed."""
        place = self._document.place(id)
        self._document.entries[place].header = header
        self._document.changed(place)
        self._rows_changed()

    def finish_answer(
        self,
        id: EntryId,  # noqa: A002
        state: AnswerState = "complete",
        footer: str = "",
        *,
        branch: tuple[int, int] | None = None,
    ) -> None:
        """End the answer; whatever arrived stays."""
        place = self._document.place(id)
        entry = self._document.entries[place]
        entry.footer, entry.branch = footer, branch or entry.branch
        self._document.finish(place, state)
        self._rows_changed()

    def set_footer(self, id: EntryId, footer: str) -> None:  # noqa: A002
        """Change the line under an answer, as when its price becomes known."""
        place = self._document.place(id)
        self._document.entries[place].footer = footer
        self._document.changed(place)
        self._rows_changed()

    # Reading aloud

    def mark_spoken(self, id: EntryId | None, start: int = 0, end: int = 0) -> None:  # noqa: A002
        """Mark the clause that is read aloud, by its place in the answer as it arrived; ``None``: none is.

        A reader who was at the end of the page is taken along, and back to the end afterwards;
        anybody else keeps what they read.
        """
        before, self._spoken = self._spoken, None if id is None else Spoken(id, start, end)
        if self._spoken == before or not self.is_attached:
            return
        along = self.following or self.scroll_offset.y == self._listening_at
        self._refresh_spoken(before)
        rows = self._refresh_spoken(self._spoken)
        if along and self._spoken is None:
            self.follow()
        elif along and rows:
            self.show_rows(*rows)
        self._listening_at = self.scroll_offset.y if along and self._spoken else None

    def mark_heard(self, id: EntryId, characters: int | None) -> None:  # noqa: A002
        """Dim what was not heard of an answer that was cut off; ``None``: it was heard to its end."""
        self._document.entries[self._document.place(id)].heard = characters
        self.refresh()

    def _refresh_spoken(self, spoken: Spoken | None) -> tuple[int, int] | None:
        """Paint the rows of a clause, as far as they are on screen; gives its rows of the page."""
        if spoken is None or not self._document.has(spoken.id):
            return None
        if rows := spoken_rows(self._document, spoken):
            top = self.scroll_offset.y
            first, end = max(rows[0] - top, 0), min(rows[1] - top, self.size.height)
            if first < end:
                self.refresh(Region(0, first, self.size.width, end - first))
        return rows

    # Tools

    def add_tool(self, id: EntryId, call: str, arguments: str) -> None:  # noqa: A002
        """Add a call that has begun: on one line, and what it was given, to be unfolded."""
        self._add(Entry("tool", id, header=call, reasoning=arguments, state="streaming"))

    def finish_tool(
        self,
        id: EntryId,  # noqa: A002
        state: AnswerState,
        result: str = "",
        footer: str = "",
    ) -> None:
        """End a call: what it gave, to be unfolded, and what is to be said beside it."""
        place = self._document.place(id)
        entry = self._document.entries[place]
        entry.text, entry.footer = safe_text(result), footer
        self._document.finish(place, state)
        self._rows_changed()

    # What is said about the conversation

    def add_notice(self, text: str) -> None:
        """Add one dim line, such as a change of route."""
        self._add(Entry("notice", self._new_id(), text))

    def add_error(self, message: str, hint: str = "") -> None:
        """Add an error and what to do about it."""
        self._add(Entry("error", self._new_id(), message, footer=hint))

    def _add(self, entry: Entry) -> None:
        self._document.add(entry)
        self._rows_changed()

    def _new_id(self) -> EntryId:
        self._unnamed += 1
        return f"unnamed {self._unnamed}"

    def rename(self, id: EntryId, new_id: EntryId) -> None:  # noqa: A002
        """Give an entry the name that storage chose."""
        self._document.rename(id, new_id)
        if self._spoken is not None and self._spoken.id == id:
            self._spoken = replace(self._spoken, id=new_id)

    def remove_after(self, id: EntryId | None) -> None:  # noqa: A002
        """Remove every entry after this one; ``None`` removes all."""
        self._document.cut(0 if id is None else self._document.place(id) + 1)
        self._forget_places()
        self._rows_changed()

    def _forget_places(self) -> None:
        """Entries have gone, and others may stand in their places."""
        self._spoken = None
        if self.is_attached:
            self.screen.clear_selection()

    def watch_show_reasoning(self, shown: bool) -> None:
        """Fold or unfold the reasoning of every answer."""
        self._document.show_reasoning = shown
        self._lay_out(self._document.frame)

    def overlay(self, row: DocumentRow, strip: Strip) -> Strip:
        """The mark of speech."""
        return mark_speech(self._document, row, strip, self._spoken)
