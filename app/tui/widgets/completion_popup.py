"""The list above the composer that completes slash commands and file names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from app.cells import MUTED
from core.safe_text import safe_text

__all__ = ("Completion", "CompletionPopup")


@dataclass(frozen=True, slots=True)
class Completion:
    """One suggestion: what it is called, a dim word on it, and the text it puts in the prompt.

    ``final`` suggestions end the mention; others, such as folders, keep completing.
    """

    label: str
    detail: str
    insert: str
    final: bool = True


class CompletionPopup(OptionList, can_focus=False):
    """Never takes the focus: the composer moves its highlight, the mouse may click it."""

    DEFAULT_CSS = """
    CompletionPopup {
        display: none;
        overlay: screen;
        offset: 0 -100%;
        width: 1fr;
        height: auto;
        max-height: 10;
        margin: 0;
        padding: 0 1;
        border: none;
        background: $panel;
        color: $foreground;
        scrollbar-size-vertical: 1;
        &:focus { border: none; }
        & > .option-list--option-highlighted {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: none;
        }
    }
    """

    @dataclass
    class Chosen(Message):
        """The user clicked a suggestion."""

        completion: Completion

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._completions: Sequence[Completion] = ()

    @property
    def is_open(self) -> bool:
        """Whether suggestions are shown."""
        return bool(self.display)

    @property
    def current(self) -> Completion | None:
        """The highlighted suggestion."""
        if not self.display or self.highlighted is None:
            return None
        return self._completions[self.highlighted]

    def show(self, completions: Sequence[Completion]) -> None:
        """Show these suggestions, or hide where there are none."""
        if completions == self._completions and self.display:
            return
        self._completions = completions
        if not completions:
            self.hide()
            return
        width = min(32, max(len(completion.label) for completion in completions))
        self.set_options(Option(_row(completion, width)) for completion in completions)
        self.display = True
        self.highlighted = 0

    def hide(self) -> None:
        """Show nothing."""
        self._completions = ()
        self.display = False

    def move(self, step: int) -> None:
        """Move the highlight, round at the ends."""
        if self._completions:
            self.highlighted = ((self.highlighted or 0) + step) % len(self._completions)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Turn a click into ``Chosen``."""
        event.stop()
        self.post_message(self.Chosen(self._completions[event.option_index]))


def _row(completion: Completion, width: int) -> Content:
    label = safe_text(completion.label).replace("\n", " ")
    detail = safe_text(completion.detail).replace("\n", " ")
    return Content.assemble((label.ljust(width), "bold"), "  ", (detail, MUTED))
