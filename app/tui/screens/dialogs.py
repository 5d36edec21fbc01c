"""Small questions: yes or no, and one line of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.getters import query_one
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from core.errors import TensorWallError

__all__ = ("AskScreen", "ConfirmScreen")


class ConfirmScreen(ModalScreen[bool]):
    """A question before something that cannot be undone; the safe answer has the focus."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "answer(False)", "No", show=False),
        Binding("y", "answer(True)", "Yes", show=False),
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, consequence: str, *, confirm: str) -> None:
        super().__init__()
        self._question, self._consequence, self._confirm = question, consequence, confirm

    def compose(self) -> ComposeResult:
        """Question, consequence, two buttons."""
        with Vertical(classes="dialog"):
            yield Static(self._question, classes="question", markup=False)
            yield Static(self._consequence, classes="consequence", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="no", compact=True)
                yield Button(self._confirm, id="yes", variant="error", compact=True)

    def action_answer(self, yes: bool) -> None:
        """Answer by key."""
        self.dismiss(yes)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")


class AskScreen(ModalScreen[str | None]):
    """One line of text; ``check`` may refuse it with a ``TensorWallError``, which is shown."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel", show=False)]

    problem = query_one("#problem", Static)

    def __init__(
        self,
        question: str,
        value: str = "",
        *,
        help_text: str = "",
        check: Callable[[str], object] = lambda _: None,
    ) -> None:
        super().__init__()
        self._question, self._value, self._help, self._check = question, value, help_text, check

    def compose(self) -> ComposeResult:
        """Question, input, help."""
        with Vertical(classes="dialog"):
            yield Static(self._question, classes="question", markup=False)
            yield Input(self._value, id="answer", compact=True, select_on_focus=True)
            yield Static(Content(self._help), classes="consequence")
            yield Static("", id="problem", markup=False)

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        try:
            self._check(event.value)
        except TensorWallError as error:
            self.problem.update(Content(f"{error.message} {error.hint}".strip()))
            return
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Leave things as they are."""
        self.dismiss(None)
