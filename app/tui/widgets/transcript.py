"""The conversation on screen: one virtualised line-API widget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.message import Message
from textual.scroll_view import ScrollView

from app.tui.transcript.entry import AnswerState, CodeBlock, Entry, EntryId

__all__ = ("Transcript",)


class Transcript(ScrollView, can_focus=True):
    """Shows a conversation and lets the user read, search, select and copy it."""

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

    @dataclass
    class FollowChanged(Message):
        """The view began or ceased to follow the newest line."""

        following: bool

    # Filling it. Nothing here is awaited; appending is O(1).

    def load(self, entries: Iterable[Entry]) -> None:
        """Replace the whole conversation and show its end."""
        raise NotImplementedError

    def clear(self) -> None:
        """Show an empty conversation."""
        raise NotImplementedError

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
        raise NotImplementedError

    def begin_answer(self, id: EntryId, header: str = "", *, time: str = "") -> None:  # noqa: A002
        """Add an empty answer in state ``streaming``; text for it may arrive at once."""
        raise NotImplementedError

    def append_text(self, id: EntryId, text: str) -> None:  # noqa: A002
        """Add a piece of the answer; it is on screen with the next frame."""
        raise NotImplementedError

    def append_reasoning(self, id: EntryId, text: str) -> None:  # noqa: A002
        """Add a piece of reasoning."""
        raise NotImplementedError

    def set_header(self, id: EntryId, header: str) -> None:  # noqa: A002
        """Change who answers, as when the route changed."""
        raise NotImplementedError

    def finish_answer(
        self,
        id: EntryId,  # noqa: A002
        state: AnswerState = "complete",
        footer: str = "",
        *,
        branch: tuple[int, int] | None = None,
    ) -> None:
        """End the answer; whatever arrived stays."""
        raise NotImplementedError

    def add_notice(self, text: str) -> None:
        """Add one dim line, such as a change of route."""
        raise NotImplementedError

    def add_error(self, message: str, hint: str = "") -> None:
        """Add an error and what to do about it."""
        raise NotImplementedError

    def rename(self, id: EntryId, new_id: EntryId) -> None:  # noqa: A002
        """Give an entry the name that storage chose."""
        raise NotImplementedError

    def remove_after(self, id: EntryId | None) -> None:  # noqa: A002
        """Remove every entry after this one; ``None`` removes all."""
        raise NotImplementedError

    # Copying; each posts ``CopyRequested`` and returns whether there was something to copy.

    def copy_answer(self, id: EntryId | None = None) -> bool:  # noqa: A002
        """Copy an answer's Markdown; by default the last one's."""
        raise NotImplementedError

    def copy_code_block(self, n: int = -1, id: EntryId | None = None) -> bool:  # noqa: A002
        """Copy the n-th code block of an answer (from 0; negative from the end)."""
        raise NotImplementedError

    def code_blocks(self, id: EntryId | None = None) -> list[CodeBlock]:  # noqa: A002
        """The code blocks of an answer; by default the last one that has any."""
        raise NotImplementedError

    # Finding; answers come as ``FindUpdated``.

    def find(self, query: str) -> None:
        """Highlight every occurrence, ignoring case, and go to the last; empty ends the search."""
        raise NotImplementedError

    def find_next(self) -> None:
        """Go to the next occurrence below, round at the end."""
        raise NotImplementedError

    def find_previous(self) -> None:
        """Go to the next occurrence above, round at the beginning."""
        raise NotImplementedError

    # Moving

    def follow(self) -> None:
        """Go to the end and follow it."""
        raise NotImplementedError
