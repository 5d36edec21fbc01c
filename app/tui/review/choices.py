"""One line of things to choose between, by their keys or by the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.style import Style
from textual.widgets import Static

from app.cells import MUTED
from app.tui.key_names import key_names

__all__ = ("Choice", "Choices")


@dataclass(frozen=True, slots=True)
class Choice:
    """``binding`` is the id of the key for it, where it has one of its own."""

    value: str
    label: str
    binding: str = ""


class Choices(Static):
    """The active one is bold in brackets, so that it is told by more than its colour."""

    DEFAULT_CSS = "Choices { height: 1; width: auto; }"
    ALLOW_SELECT = False

    @dataclass
    class Chosen(Message):
        """One was clicked."""

        choices: Choices
        value: str

        @property
        def control(self) -> Choices:
            """Whose it is."""
            return self.choices

    def __init__(self, choices: Sequence[Choice], active: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, markup=False)
        self._choices = tuple(choices)
        self._active = active
        self._keys: dict[str, str] = {}
        self._paint()

    def on_mount(self) -> None:
        """Tell the keys that are in force, which the user may have changed."""
        self.screen.bindings_updated_signal.subscribe(self, self._find_keys)
        self._find_keys(self.screen)

    def _find_keys(self, screen: Screen[object]) -> None:
        keys = dict(self._keys)
        for active in reversed(screen.active_bindings.values()):
            if active.binding.id:
                keys[active.binding.id] = active.binding.key
        if keys != self._keys:
            self._keys = keys
            self._paint()

    @property
    def active(self) -> str:
        """The value chosen."""
        return self._active

    @active.setter
    def active(self, value: str) -> None:
        self._active = value
        self._paint()

    def neighbour(self, step: int) -> str:
        """The value so many further on, round at the ends."""
        values = [choice.value for choice in self._choices]
        return values[(values.index(self._active) + step) % len(values)]

    def _paint(self) -> None:
        self.update(Content("").join(self._painted(choice) for choice in self._choices))

    def _painted(self, choice: Choice) -> Content:
        is_active = choice.value == self._active
        left, right = ("[", "]") if is_active else (" ", " ")
        key = key_names(self._keys.get(choice.binding, ""))
        shown = Content.styled(f"{key} " if key else "", "" if is_active else MUTED)
        content = Content.assemble(left, shown, choice.label, right)
        content = content.stylize("bold $primary" if is_active else "$foreground")
        return content.stylize(Style.from_meta({"choice": choice.value}))

    def on_click(self, event: events.Click) -> None:
        """Choose what is under the pointer."""
        value = event.style.meta.get("choice")
        if value is not None:
            self.post_message(self.Chosen(self, value))
