"""Asking before the model calls what has an effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from app.tui.entries import set_out
from core.safe_text import safe_text

if TYPE_CHECKING:
    from app.tui.stage import Leave

__all__ = ("ToolLeaveScreen",)


class ToolLeaveScreen(ModalScreen["Leave"]):
    """Shows the whole call; the safe answer has the focus."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer('no')", "No", show=False),
        Binding("y", "answer('once')", "Yes", show=False),
        Binding("a", "answer('always')", "Always", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("up,k", "scroll(-1)", show=False),
        Binding("down,j", "scroll(1)", show=False),
    ]

    def __init__(self, name: str, arguments: str) -> None:
        super().__init__()
        self._tool, self._arguments = safe_text(name), safe_text(set_out(arguments))

    def compose(self) -> ComposeResult:
        """What is to be called, with what, and three buttons."""
        with Vertical(classes="dialog"):
            yield Static(Content(f"Let the model call {self._tool}?"), classes="question")
            with VerticalScroll(classes="arguments", can_focus=False):
                yield Static(Content(self._arguments))
            with Horizontal(classes="buttons"):
                yield Button("No (n)", id="no", compact=True)
                yield Button("Once (y)", id="once", compact=True)
                yield Button("Always in this session (a)", id="always", compact=True)

    def action_answer(self, leave: Leave) -> None:
        """Answer by key."""
        self.dismiss(leave)

    def action_scroll(self, rows: int) -> None:
        """Read further in what it is called with."""
        self.query_one(VerticalScroll).scroll_relative(y=rows, animate=False)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        leaves: dict[str | None, Leave] = {"once": "once", "always": "always"}
        self.dismiss(leaves.get(event.button.id, "no"))
