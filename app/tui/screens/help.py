"""Keys and commands, made from the bindings in force, the user's own included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from app.cells import MUTED, column
from app.tui.commands import COMMANDS, Command
from app.tui.key_names import key_names

__all__ = ("HelpScreen",)

_WIDE = 101
_GROUPS = {"chat": "Conversation", "session": "Sessions", "voice": "Voice", "app": "TensorWall"}


class HelpScreen(ModalScreen[None]):
    """Everything the chat screen can do; ``others`` are the composer's and transcript's bindings."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q", "dismiss(None)", "Close", show=False)]

    def __init__(self, keymap: Mapping[str, str], others: Mapping[str, Iterable[Binding]]) -> None:
        super().__init__()
        self._keymap = keymap
        self._others = others
        self._made_for = 0

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with Vertical(id="panel") as panel:
            panel.border_title = "Keys and commands"
            with VerticalScroll(id="page"):
                yield Static(self._page(), id="keys", markup=False)
            yield Static(
                "↑ ↓ scroll   Esc close   Keys can be changed: [keymap] in config.toml",
                id="hint",
                markup=False,
            )

    def on_mount(self) -> None:
        """The page scrolls with the keys."""
        self.query_one("#page").focus()

    def on_resize(self, event: events.Resize) -> None:
        """Columns for the width there is."""
        if event.size.width != self._made_for:
            self.call_after_refresh(lambda: self.query_one("#keys", Static).update(self._page()))

    def _page(self) -> Content:
        self._made_for = self.app.size.width
        width = min(108, self._made_for - 4) - 6
        with_ids = width >= _WIDE
        columns = (17, 27, 37) if with_ids else (16, 22, max(10, width - 40))
        line = partial(_line, columns, with_ids)
        lines: list[Content] = []
        for group, title in _GROUPS.items():
            lines += _heading(title)
            lines += [line(*self._command(command)) for command in COMMANDS if command.group == group]
        for title, bindings in self._others.items():
            lines += _heading(title)
            for binding in bindings:
                keys = self._keymap.get(binding.id or "", binding.key)
                lines.append(line(key_names(keys), "", binding.description, binding.id or ""))
        return Content("\n").join(lines[1:])

    def _command(self, command: Command) -> tuple[str, str, str, str]:
        slash = f"/{command.slash} {command.argument}".rstrip() if command.slash else ""
        keys = self._keymap.get(command.id, command.keys)
        return key_names(keys), slash, command.title, command.id


def _heading(title: str) -> list[Content]:
    return [Content(""), Content.styled(title, "bold $primary")]


def _line(
    columns: tuple[int, int, int], with_id: bool, keys: str, slash: str, title: str, binding_id: str
) -> Content:
    return Content.assemble(
        (column(keys, columns[0] - 1) + " ", "bold"),
        (column(slash, columns[1] - 1) + " ", "$secondary"),
        column(title, columns[2]),
        (binding_id if with_id else "", MUTED),
    )
