"""One row to search the conversation on screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.getters import query_one
from textual.message import Message
from textual.widgets import Input, Static

__all__ = ("FindBar",)


class FindBar(Horizontal):
    """Hidden until ``open``; Enter goes to the next match above, Escape closes."""

    DEFAULT_CSS = """
    FindBar {
        display: none;
        height: 1;
        padding: 0 1;
        background: $surface;
        & > Static { width: auto; color: $text-muted; }
        & > Input { width: 1fr; background: $surface; }
        & > #find-count { margin-left: 2; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter,up,shift+f3", "step(-1)", "Previous match", id="find.previous", priority=True, show=False
        ),
        Binding("shift+enter,down,f3", "step(1)", "Next match", id="find.next", priority=True, show=False),
        Binding("escape", "close", "Close the search", id="find.close", priority=True, show=False),
    ]

    field = query_one("#find-query", Input)
    count = query_one("#find-count", Static)

    @dataclass
    class Sought(Message):
        """The text to find changed."""

        query: str

    @dataclass
    class Stepped(Message):
        """Go to the next (+1) or previous (-1) match."""

        step: int

    class Closed(Message):
        """The search is over."""

    def compose(self) -> ComposeResult:
        """Label, input, count."""
        yield Static("Find  ", markup=False)
        yield Input(id="find-query", compact=True, select_on_focus=True)
        yield Static("", id="find-count", markup=False)

    def open(self, query: str = "") -> None:
        """Show the bar and put the cursor into it."""
        self.display = True
        if query:
            self.field.value = query
        self.field.focus()
        if self.field.value:
            self.post_message(self.Sought(self.field.value))

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return bool(self.display)

    def show_count(self, current: int, total: int) -> None:
        """How far the search is."""
        text = f"{current} of {total}" if total else "nothing found" if self.field.value else ""
        self.count.update(Content(f"{text}   ↑ ↓ move   Esc close".strip()))

    @on(Input.Changed, "#find-query")
    def _changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Sought(event.value))

    def action_step(self, step: int) -> None:
        """Go to another match."""
        self.post_message(self.Stepped(step))

    def action_close(self) -> None:
        """Hide and end the search."""
        self.display = False
        self.post_message(self.Closed())
