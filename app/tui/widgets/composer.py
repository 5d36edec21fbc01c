"""Where the prompt is written: several lines, history, completion, folded pastes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import TextArea

from app.tui.completions import Completer
from app.tui.paste import PastedText, check_paste
from app.tui.prompt_history import PromptHistory
from app.tui.widgets.completion_popup import Completion, CompletionPopup
from core.errors import InputError

__all__ = ("Composer",)

_TALK, _TALK_KEYS = "voice.talk", "space,f9"


class Composer(TextArea):
    r"""A ``TextArea`` that sends with Enter.

    A new line is Shift+Enter, Ctrl+J, or ``\`` before Enter. Up and down walk the history at the
    first and last line.
    """

    DEFAULT_CSS = """
    Composer {
        height: auto;
        min-height: 3;
        max-height: 10;
        padding: 0 1;
        border: round $border-blurred;
        background: $background;
        scrollbar-size-vertical: 1;
        border-title-color: $warning;
        border-subtitle-color: $text-muted;
        border-title-style: none;
        &:focus { border: round $border; }
        & .text-area--cursor-line { background: $background; }
        & .text-area--placeholder { color: $text-muted; }
        & .composer--uncertain { color: $text-muted; text-style: italic; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"composer--uncertain"}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send the prompt", id="composer.send", show=False),
        Binding(
            "shift+enter,ctrl+j,alt+enter",
            "newline",
            "New line",
            id="composer.newline",
            show=False,
        ),
        Binding("up", "up", "Earlier prompt (on the first line)", id="composer.up", show=False),
        Binding("down", "down", "Later prompt (on the last line)", id="composer.down", show=False),
        Binding("tab", "complete", "Take the suggestion", id="composer.complete", show=False),
        Binding(
            "ctrl+c,super+c", "interrupt", "Copy, stop, clear or quit", id="composer.interrupt", show=False
        ),
        Binding("pageup", "page(-1)", "Scroll up", id="composer.page_up", show=False),
        Binding("pagedown", "page(1)", "Scroll down", id="composer.page_down", show=False),
        Binding(_TALK_KEYS, "talk", "Talk (Space: in an empty prompt)", id=_TALK, show=False),
    ]

    @dataclass
    class Submitted(Message):
        """The user sent a prompt; pastes are unfolded. The composer is empty already."""

        text: str

    @dataclass
    class Refused(Message):
        """A paste cannot be used; ``error`` says why."""

        error: InputError

    class Interrupted(Message):
        """Ctrl+C with nothing selected."""

    @dataclass
    class PageRequested(Message):
        """The reader wants the transcript moved by a page: -1 up, +1 down."""

        step: int

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(
            id=id,
            highlight_cursor_line=False,
            placeholder="Ask anything    / commands    @ files",
        )
        self.prompt_history = PromptHistory()
        self.keymap: Mapping[str, str] = {}
        """The user's keys by binding id."""
        self.completer: Completer | None = None
        self.popup: CompletionPopup | None = None
        self.recall: Callable[[], str | None] = lambda: None
        """Called on up in an empty prompt, before the history: a queued prompt to take back."""
        self.take_key: Callable[[events.Key], bool] = lambda _: False
        """Called first for every key: whether it was for talking, and has been dealt with."""
        self._uncertain = 0
        self._pasted = PastedText()
        self._completing_from = 0
        self._completing = (0, "")
        """The row and the text before the cursor that the suggestions are for."""
        self._quiet = ""

    # What is in it

    @property
    def prompt(self) -> str:
        """The whole prompt, pastes unfolded."""
        return self._pasted.unfold(self.text)

    def put(self, prompt: str) -> None:
        """Show a prompt in place of what is there, cursor at its end; large text is folded."""
        self._quiet = self._pasted.fold(prompt)
        self.text = self._quiet
        self.move_cursor(self.document.end)
        self._close()

    def show_dictated(self, text: str, *, uncertain: int) -> None:
        """Show text that is being spoken; its last ``uncertain`` characters may still change.

        It is nobody's edit: no draft is kept of it and nothing is suggested.
        """
        self._uncertain = uncertain
        with self.prevent(TextArea.Changed):
            self.text = text
        self.move_cursor(self.document.end)
        self.refresh()

    def get_line(self, line_index: int) -> Text:
        """The line, with what is uncertain of the last one in another style."""
        line = super().get_line(line_index)
        if self._uncertain and line_index == self.document.line_count - 1:
            line.stylize(self.get_component_rich_style("composer--uncertain"), len(line) - self._uncertain)
        return line

    def take(self) -> str:
        """Empty the composer and remember the prompt in the history."""
        prompt = self.prompt
        self.prompt_history.add(prompt)
        self.put("")
        self._pasted.clear()
        return prompt

    # Keys

    async def _on_key(self, event: events.Key) -> None:
        """Our keys, in the order they were pressed.

        A priority binding would run before letters that still wait in this widget's queue, and an
        ordinary one after those typed behind it: either way fast typing would be torn apart.
        """
        if self.take_key(event):
            event.stop()
            event.prevent_default()
        elif event.key == "escape" and self._chosen():
            event.stop()
            event.prevent_default()
            self._close()
        elif action := self._action_of(event.key):
            event.stop()
            event.prevent_default()
            await self.run_action(action)
        else:
            await super()._on_key(event)

    def _action_of(self, key: str) -> str | None:
        for binding in self.BINDINGS:
            if isinstance(binding, Binding) and binding.id and binding.id != _TALK:
                keys = self.keymap.get(binding.id, binding.key)
                if key in _split(keys):
                    return binding.action
        return None

    @property
    def talk_keys(self) -> str:
        """The keys that talk, separated by commas; not those that the user gave to something else."""
        taken = {key for id_, keys in self.keymap.items() if id_ != _TALK for key in _split(keys)}
        return ",".join(key for key in _split(self.keymap.get(_TALK, _TALK_KEYS)) if key not in taken)

    def action_send(self) -> None:
        """Take the suggestion, break the line after a backslash, or send."""
        row, column = self.cursor_location
        line = self.document.get_line(row)
        if (chosen := self._chosen()) and not self._is_typed(chosen):
            self._accept(chosen)
            if not (chosen.final and chosen.insert.startswith("/")):
                return
        elif column == len(line) and line.endswith("\\"):
            self.replace("\n", (row, column - 1), (row, column))
            return
        self._close()
        if self.text.strip():
            self.post_message(self.Submitted(self.take()))

    def action_newline(self) -> None:
        """Break the line at the cursor."""
        self._replace_via_keyboard("\n", *self.selection)

    def action_up(self) -> None:
        """Move in the suggestions, in the text, or to an earlier prompt."""
        if self._chosen() and self.popup:
            self.popup.move(-1)
        elif self.navigator.is_first_wrapped_line(self.cursor_location):
            recalled = self.recall() if not self.text else None
            earlier = recalled if recalled is not None else self.prompt_history.previous(self.prompt)
            if earlier is not None:
                self.put(earlier)
        else:
            self.action_cursor_up()

    def action_down(self) -> None:
        """Move in the suggestions, in the text, or to a later prompt."""
        if self._chosen() and self.popup:
            self.popup.move(1)
        elif self.navigator.is_last_wrapped_line(self.cursor_location):
            if (later := self.prompt_history.next()) is not None:
                self.put(later)
        else:
            self.action_cursor_down()

    def action_complete(self) -> None:
        """Take the highlighted suggestion, or move the focus on."""
        if chosen := self._chosen():
            self._accept(chosen)
        else:
            self.screen.focus_next()

    def action_interrupt(self) -> None:
        """Copy a selection; otherwise the screen decides."""
        if self.selected_text:
            self.action_copy()
        else:
            self.post_message(self.Interrupted())

    def action_page(self, step: int) -> None:
        """Scroll the transcript without leaving the prompt."""
        self.post_message(self.PageRequested(step))

    def action_delete_left(self) -> None:
        """Delete a folded paste as the one thing it looks like."""
        row, column = self.cursor_location
        for start, end in self._pasted.tokens(self.document.get_line(row)):
            if end == column and not self.selected_text:
                self.delete((row, start), (row, end))
                return
        super().action_delete_left()

    # Pasting

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        text = event.text.replace("\r\n", "\n").replace("\r", "\n")
        try:
            check_paste(text)
        except InputError as error:
            self.post_message(self.Refused(error))
            return
        shown = _dropped_file(text) or self._pasted.fold(text)
        if result := self._replace_via_keyboard(shown, *self.selection):
            self.move_cursor(result.end_location)

    # Completing

    def on_text_area_changed(self) -> None:
        """Any edit but our own ends the walk through history and looks for suggestions."""
        if self.text == self._quiet:
            return
        self._quiet = ""
        self.prompt_history.stop_walking()
        self._suggest()

    @work(exclusive=True, group="completion", exit_on_error=True)
    async def _suggest(self) -> None:
        if self.completer is None or self.popup is None:
            return
        row, column = self.cursor_location
        line = self.document.get_line(row)
        span = await self.completer.complete(line, column, first_line=row == 0)
        if span is None:
            self.popup.hide()
            return
        self._completing_from = span.start
        self._completing = row, line[:column]
        self.popup.show(span.completions)

    def _chosen(self) -> Completion | None:
        """The highlighted suggestion; none while they are those for a text that was typed on since."""
        row, column = self.cursor_location
        if self.popup is None or self._completing != (row, self.document.get_line(row)[:column]):
            return None
        return self.popup.current

    def _is_typed(self, chosen: Completion) -> bool:
        row, column = self.cursor_location
        return self.document.get_line(row)[self._completing_from : column].strip() == chosen.insert.strip()

    def _accept(self, chosen: Completion) -> None:
        row, column = self.cursor_location
        self.replace(chosen.insert, (row, self._completing_from), (row, column))
        self.move_cursor((row, self._completing_from + len(chosen.insert)))
        if chosen.final:
            self._close()

    def accept_completion(self, chosen: Completion) -> None:
        """Take a suggestion that was clicked."""
        self._accept(chosen)
        self.focus()

    def _close(self) -> None:
        if self.popup:
            self.popup.hide()


def _split(keys: str) -> list[str]:
    return keys.replace(" ", "").split(",")


def _dropped_file(text: str) -> str:
    """A mention, where a file was dropped on the terminal: it pastes the path, maybe quoted."""
    name = text.strip().strip("'\"").replace("\\ ", " ").removeprefix("file://")
    if "\n" in name or not name.startswith("/") or len(name) > 4096:
        return ""
    try:
        is_file = Path(name).is_file()
    except OSError:
        return ""
    return f'@"{name}" ' if is_file and " " in name else f"@{name} " if is_file else ""
