"""The conversation on screen, with all that the user can do to it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset, Region
from textual.message import Message
from textual.reactive import var
from textual.selection import Selection
from textual.strip import Strip

from app.tui.transcript import block_cursor
from app.tui.transcript.block_cursor import Target
from app.tui.transcript.document import DocumentRow
from app.tui.transcript.entry import AnswerState, CodeBlock, Entry, EntryId
from app.tui.transcript.entry_view import code_blocks
from app.tui.transcript.marks import Spoken, mark_speech, spoken_rows
from app.tui.transcript.painted import restyle
from app.tui.transcript.search import Search
from app.tui.transcript.selection import key_of
from app.tui.widgets.transcript_page import TranscriptPage
from core.safe_text import safe_text

__all__ = ("Transcript",)

_SCAN_SECONDS = 0.008
_SAFE_ADDRESS = re.compile(r"(?:https?://|mailto:)\S+\Z", re.IGNORECASE)
_WORD = re.compile(r"\w+|[^\w\s]+")


class Transcript(TranscriptPage):
    """Shows a conversation and lets the user read, search, select and copy it.

    Filling it is never awaited, and appending is O(1). What the user wants done elsewhere (copying, editing,
    regenerating) goes out as messages.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("alt+up", "move_cursor(-1)", "Previous block", id="transcript.previous_block"),
        Binding("alt+down", "move_cursor(1)", "Next block", id="transcript.next_block"),
        Binding("y", "copy", "Copy", id="transcript.copy"),
        Binding("e", "edit", "Edit", id="transcript.edit"),
        Binding("r", "regenerate", "Regenerate", id="transcript.regenerate"),
        Binding("left_square_bracket", "branch(-1)", "Previous branch", id="transcript.previous_branch"),
        Binding("right_square_bracket", "branch(1)", "Next branch", id="transcript.next_branch"),
        Binding("t", "toggle_reasoning", "Reasoning", id="transcript.reasoning"),
        Binding("enter,f", "fold", "Fold or unfold JSON or a tool's call", id="transcript.fold"),
        Binding("F", "fold_all", "Fold or unfold all of it", id="transcript.fold_all", show=False),
        Binding("dollar_sign", "cost", "What it cost", id="transcript.cost"),
        Binding("n", "find_next", "Next match", id="transcript.find_next", show=False),
        Binding("N", "find_previous", "Previous match", id="transcript.find_previous", show=False),
        Binding("escape", "leave", "Back", id="transcript.leave", show=False),
    ]

    show_reasoning: var[bool] = var(False, init=False)
    """Whether reasoning is unfolded unless the user folds it."""

    @dataclass
    class CopyRequested(Message):
        """Text is to be put on the clipboard; ``what`` names it, such as ``code block``."""

        text: str
        what: str

    @dataclass
    class EditRequested(Message):
        """The user wants to edit this message of theirs (and branch)."""

        id: EntryId

    @dataclass
    class RegenerateRequested(Message):
        """The user wants another answer in place of this one."""

        id: EntryId

    @dataclass
    class CostRequested(Message):
        """The user wants to know what this answer cost."""

        id: EntryId

    @dataclass
    class BranchRequested(Message):
        """The user wants the previous (-1) or next (+1) sibling of this message."""

        id: EntryId
        step: int

    @dataclass
    class LinkActivated(Message):
        """A link was clicked; only http, https and mailto are sent."""

        url: str

    @dataclass
    class FindUpdated(Message):
        """The search moved or counted further: ``current`` of ``total``, from 1; 0 where none."""

        query: str
        current: int
        total: int

    class Left(Message):
        """Escape was pressed with nothing left to undo here; another widget may take the focus."""

    def __init__(
        self,
        *,
        name: str | None = None,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._target: Target | None = None
        self._search: Search | None = None
        self._spoken: Spoken | None = None
        self._listening_at: int | None = None  # where we scrolled to for the clause that is spoken
        self._unnamed = 0

    # Filling

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
        self._target = self._spoken = None
        if self._search is not None:
            self.find("")
        if self.is_attached:
            self.screen.clear_selection()

    def watch_show_reasoning(self, shown: bool) -> None:
        """Fold or unfold the reasoning of every answer."""
        self._document.show_reasoning = shown
        self._lay_out(self._document.frame)

    # Copying

    def copy_answer(self, id: EntryId | None = None) -> bool:  # noqa: A002
        """Ask for an answer's Markdown to be copied, by default the last one's; whether there is one."""
        places = [self._document.place(id)] if id is not None else self._document.places("answer")
        return any(self._copy(self._document.entries[place].text, "answer") for place in places)

    def copy_code_block(self, n: int = -1, id: EntryId | None = None) -> bool:  # noqa: A002
        """Ask for the n-th code block to be copied (from 0; negative from the end); as ``code_blocks``."""
        blocks = self.code_blocks(id)
        if not -len(blocks) <= n < len(blocks):
            return False
        return self._copy(blocks[n].text, "code block")

    def code_blocks(self, id: EntryId | None = None) -> list[CodeBlock]:  # noqa: A002
        """The code blocks of an answer; by default the last one that has any."""
        places = [self._document.place(id)] if id is not None else self._document.places("answer")
        return next((found for place in places if (found := code_blocks(self._document.entries[place]))), [])

    def _copy(self, text: str, what: str) -> bool:
        if text:
            self.post_message(self.CopyRequested(text, what))
        return bool(text)

    # The block cursor

    @property
    def selected_block(self) -> str | None:
        """The text of the message or code block that the block cursor is on."""
        return block_cursor.text_of(self._document, self._target) if self._target else None

    @property
    def selected_entry(self) -> Entry | None:
        """The entry that the block cursor is on."""
        return self._document.entries[self._target.entry] if self._target else None

    def action_move_cursor(self, step: int) -> None:
        """Move the block cursor to the next (+1) or previous (-1) message or code block."""
        self._target = block_cursor.neighbour(self._document, self._target, step)
        if self._target is not None:
            self.show_rows(*block_cursor.rows_of(self._document, self._target))
        self.refresh()

    def show_entry(self, id: EntryId) -> bool:  # noqa: A002
        """Put the block cursor on this message and have it in view; whether it is here."""
        if not self._document.has(id):
            return False
        self._target = Target(self._document.place(id))
        self.show_rows(*block_cursor.rows_of(self._document, self._target))
        self.focus()
        self.refresh()
        return True

    def action_copy(self) -> None:
        """Copy what the mouse selected, else what the block cursor is on, else the last answer."""
        if selected := self.screen.get_selected_text():
            self._copy(selected, "selection")
        elif self._target is not None:
            what = "code block" if self._target.code is not None else "message"
            what = "JSON" if self._target.nest is not None else what
            self._copy(self.selected_block or "", what)
        else:
            self.copy_answer()

    def action_edit(self) -> None:
        """Ask to edit the user's message the cursor is on, else the last one."""
        if entry := self._addressed("user"):
            self.post_message(self.EditRequested(entry.id))

    def action_regenerate(self) -> None:
        """Ask for another answer in place of the one the cursor is on, else of the last one."""
        if entry := self._addressed("answer"):
            self.post_message(self.RegenerateRequested(entry.id))

    def action_cost(self) -> None:
        """Ask what the answer cost that the cursor is on, else the last one."""
        if entry := self._addressed("answer"):
            self.post_message(self.CostRequested(entry.id))

    def action_branch(self, step: int) -> None:
        """Ask for a sibling of the message the cursor is on, else of the last that has any."""
        entry = self.selected_entry or next((e for e in reversed(self.entries) if e.branch), None)
        if entry and entry.branch and entry.branch[1] > 1:
            self.post_message(self.BranchRequested(entry.id, step))

    def action_toggle_reasoning(self) -> None:
        """Fold or unfold the reasoning of the answer the cursor is on, else of the last that has any."""
        entry = self.selected_entry
        if entry is None or not entry.reasoning:
            answers = (e for e in reversed(self.entries) if e.reasoning and e.kind == "answer")
            entry = next(answers, None)
        if entry is not None:
            self._toggle_reasoning(self._document.place(entry.id))

    def action_fold(self) -> None:
        """Fold or unfold the call, object or array that the cursor is on, else all of the JSON answer."""
        if (entry := self.selected_entry) is not None and entry.kind == "tool":
            self._toggle_reasoning(self._document.place(entry.id))
        elif self._target is None or self._target.nest is None:
            self.action_fold_all()
        else:
            self._fold(self._target.entry, self._target.nest)

    def action_fold_all(self) -> None:
        """Fold or unfold all of the JSON answer that the cursor is on, else of the last one."""
        entry = self._addressed("answer")
        if entry is None or not entry.json:
            entry = next((entry for entry in reversed(self.entries) if entry.json), None)
        if entry is not None and entry.state != "streaming":
            self._fold(self._document.place(entry.id), None)

    def _fold(self, place: int, nest: int | None) -> None:
        """Fold or unfold a part of a JSON answer, or all of it, and keep to where the reader is."""
        self.screen.clear_selection()
        if nest is None:
            self._document.toggle_folds(place)
            if self._target is not None and self._target.nest is not None:
                self._target = Target(place)
        else:
            self._document.toggle_fold(place, nest)
        self.following = False
        self._rows_changed()
        if self._target is not None:
            self.show_rows(*block_cursor.rows_of(self._document, self._target))

    def _toggle_reasoning(self, place: int) -> None:
        self.screen.clear_selection()
        first, _ = self._document.extent(place)
        self._document.toggle_reasoning(place)
        self.following = False
        self._rows_changed()
        if first < self.scroll_offset.y:
            self.scroll_to(y=first)

    def _addressed(self, kind: str) -> Entry | None:
        selected = self.selected_entry
        if selected is not None:
            return selected if selected.kind == kind else None
        return next((entry for entry in reversed(self.entries) if entry.kind == kind), None)

    def action_leave(self) -> None:
        """Drop the selection, the cursor or the search, whichever there is; else say ``Left``."""
        if self.screen.selections:
            self.screen.clear_selection()
        elif self._target is not None:
            self._target = None
            self.post_message(self.Left())  # letters are commands here, and nothing shows it any more
        elif self._search is not None:
            self.find("")
        else:
            self.post_message(self.Left())
        self.refresh()

    # Finding

    def find(self, query: str) -> None:
        """Highlight every occurrence, ignoring case, and go to the last; empty ends the search.

        The count grows while older messages are looked at: each step is a ``FindUpdated``.
        """
        self.workers.cancel_group(self, "find")
        self._search = Search(self._document, query) if query else None
        if self._search is not None:
            self.run_worker(self._scan(self._search), group="find")
        else:
            self.post_message(self.FindUpdated("", 0, 0))
        self.refresh()

    async def _scan(self, search: Search) -> None:
        more = True
        while more:
            more = search.scan(time.monotonic, _SCAN_SECONDS)
            if search.current is None and search.matches:
                self._go_to_match(search, -1)
            self._tell_found(search)
            await asyncio.sleep(0)
        self.refresh()

    def find_next(self) -> None:
        """Go to the next occurrence below, round at the end."""
        if self._search is not None:
            self._go_to_match(self._search, 1)

    def find_previous(self) -> None:
        """Go to the next occurrence above, round at the beginning."""
        if self._search is not None:
            self._go_to_match(self._search, -1)

    def action_find_next(self) -> None:
        """Go to the next occurrence below."""
        self.find_next()

    def action_find_previous(self) -> None:
        """Go to the next occurrence above."""
        self.find_previous()

    def _go_to_match(self, search: Search, step: int) -> None:
        search.refresh()
        if match := search.go(step):
            row = self._document.row_of(match.position)
            self.show_rows(row, row + 1)
        self._tell_found(search)
        self.refresh()

    def _tell_found(self, search: Search) -> None:
        self.post_message(self.FindUpdated(search.query, search.number, len(search.matches)))

    def overlay(self, row: DocumentRow, strip: Strip) -> Strip:
        """The marks of speech, search and block cursor."""
        theme = self._document.frame.theme
        strip = mark_speech(self._document, row, strip, self._spoken)
        painted = row.painted
        if self._search is not None:
            for match in self._search.within(row.entry, row.section):
                start, end = match.start - painted.start, min(match.end - painted.start, painted.length)
                if end > 0 and start < painted.length and row.inner >= 0:
                    style = theme.current_match if match == self._search.current else theme.match
                    strip = restyle(strip, painted.lead + max(0, start), painted.lead + end, style)
        if self._target is not None and self._target.covers(self._document, row):
            strip = block_cursor.mark(strip, theme.cursor)
        return strip

    # The mouse

    def on_click(self, event: events.Click) -> None:
        """Follow links, fold reasoning and JSON, jump to the end; two clicks select a word, three a block."""
        event.prevent_default()  # Textual would select the whole conversation
        if self.over_pill(event):
            self.follow()
        elif event.chain >= 2:
            self._select_at(event)
        elif row := self.row_under(event):
            self._clicked(event, row)

    def _clicked(self, event: events.Click, row: DocumentRow) -> None:
        view = self._document.view(row.entry)
        if url := self._link_under(event):
            self.post_message(self.LinkActivated(url))
        elif row.section == view.reasoning_header:
            self._toggle_reasoning(row.entry)
        elif (nest := view.nest_at(row.section, row.inner)) is not None:
            self._fold(row.entry, nest)

    def _link_under(self, event: events.MouseEvent) -> str | None:
        row, offset = self.row_under(event), self.offset_under(event)
        if row is None or offset is None or offset.y != key_of(row.entry, row.section):
            return None
        layout = self._document.view(row.entry).sections[row.section].layout
        url = layout.link_at(offset.x)
        return url if url and _SAFE_ADDRESS.match(url) else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Say where a link leads."""
        url = self._link_under(event)
        if url != str(self.tooltip or "") and (url or self.tooltip):
            self.tooltip = Content(url) if url else None

    def _select_at(self, event: events.Click) -> None:
        row, offset = self.row_under(event), self.offset_under(event)
        if row is None or offset is None:
            return
        start, end = 0, 1 << 32
        if event.chain == 2:
            layout = self._document.view(row.entry).sections[row.section].layout
            words = (word.span() for word in _WORD.finditer(layout.row_text(row.inner)))
            column = offset.x - row.painted.start
            span = next((span for span in words if span[0] <= column < span[1]), None)
            if span is None:
                return
            start, end = (edge + row.painted.start for edge in span)
        self.screen.selections = {self: Selection(Offset(start, offset.y), Offset(end, offset.y))}
        self.screen.post_message(events.TextSelected())
