"""The conversation on screen, with all that the user can do to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Offset
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip
from textual.worker import WorkType

from app.tui.transcript import block_cursor
from app.tui.transcript.block_cursor import Target
from app.tui.transcript.document import DocumentRow
from app.tui.transcript.entry import CodeBlock, Entry, EntryId
from app.tui.transcript.entry_view import code_blocks
from app.tui.transcript.finder import Finder
from app.tui.transcript.selection import key_of
from app.tui.widgets.transcript_entries import TranscriptEntries

__all__ = ("Transcript",)

_SAFE_ADDRESS = re.compile(r"(?:https?://|mailto:)\S+\Z", re.IGNORECASE)
_WORD = re.compile(r"\w+|[^\w\s]+")


class Transcript(TranscriptEntries):
    """Shows a conversation and lets the user read, search, select and copy it.

    What the user wants done elsewhere (copying, editing, regenerating) goes out as messages.
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
        Binding("w", "why", "Why this route", id="transcript.why"),
        Binding("n", "find_next", "Next match", id="transcript.find_next", show=False),
        Binding("N", "find_previous", "Previous match", id="transcript.find_previous", show=False),
        Binding("escape", "leave", "Back", id="transcript.leave", show=False),
    ]

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
    class WhyRequested(Message):
        """The user wants to know why this answer came from where it did."""

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
        self._finder = Finder(
            self._document, show_rows=self.show_rows, repaint=self.refresh, tell=self._tell_found
        )

    def _forget_places(self) -> None:
        super()._forget_places()
        self._target = None
        if self._finder.is_on:
            self.find("")

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

    def action_why(self) -> None:
        """Ask why the answer that the cursor is on came from where it did, else the last one."""
        if entry := self._addressed("answer"):
            self.post_message(self.WhyRequested(entry.id))

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
        elif self._finder.is_on:
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
        self._finder.seek(query)
        if query:
            scan: WorkType[None] = self._finder.scan
            self.run_worker(scan, group="find")

    def find_next(self) -> None:
        """Go to the next occurrence below, round at the end."""
        self._finder.go(1)

    def find_previous(self) -> None:
        """Go to the next occurrence above, round at the beginning."""
        self._finder.go(-1)

    def action_find_next(self) -> None:
        """Go to the next occurrence below."""
        self.find_next()

    def action_find_previous(self) -> None:
        """Go to the next occurrence above."""
        self.find_previous()

    def _tell_found(self, query: str, current: int, total: int) -> None:
        self.post_message(self.FindUpdated(query, current, total))

    def overlay(self, row: DocumentRow, strip: Strip) -> Strip:
        """The marks of speech, search and block cursor."""
        strip = self._finder.mark(row, super().overlay(row, strip))
        if self._target is not None and self._target.covers(self._document, row):
            strip = block_cursor.mark(strip, self._document.frame.theme.cursor)
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
