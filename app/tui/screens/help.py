"""Keys and commands, made from the bindings in force, the user's own included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from app.tui.cells import column
from app.tui.commands import COMMANDS, Command

__all__ = ("HelpScreen", "key_names")

_GROUPS = {"chat": "Conversation", "session": "Sessions", "app": "TensorWall"}
_KEYS = {
    "escape": "Esc",
    "enter": "Enter",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "tab": "Tab",
    "delete": "Del",
}


class HelpScreen(ModalScreen[None]):
    """Everything the chat screen can do; ``others`` are the composer's and transcript's bindings."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,f1,q", "dismiss(None)", "Close", show=False)]

    def __init__(self, keymap: Mapping[str, str], others: Mapping[str, Iterable[Binding]]) -> None:
        super().__init__()
        self._keymap = keymap
        self._others = others

    def compose(self) -> ComposeResult:
        """One scrolling page."""
        with Vertical(id="panel") as panel:
            panel.border_title = "Keys and commands"
            with VerticalScroll(id="page"):
                yield Static(self._page(), markup=False)
            yield Static(
                "↑ ↓ scroll   Esc close   Keys can be changed: [keymap] in config.toml",
                id="hint",
                markup=False,
            )

    def on_mount(self) -> None:
        """The page scrolls with the keys."""
        self.query_one("#page").focus()

    def _page(self) -> Content:
        lines: list[Content] = []
        for group, title in _GROUPS.items():
            lines += _heading(title)
            lines += [self._command(command) for command in COMMANDS if command.group == group]
        for title, bindings in self._others.items():
            lines += _heading(title)
            for binding in bindings:
                keys = self._keymap.get(binding.id or "", binding.key)
                lines.append(_line(key_names(keys), "", binding.description, binding.id or ""))
        return Content("\n").join(lines[1:])

    def _command(self, command: Command) -> Content:
        slash = f"/{command.slash} {command.argument}".rstrip() if command.slash else ""
        keys = self._keymap.get(command.id, command.keys)
        return _line(key_names(keys), slash, command.title, command.id)


def key_names(keys: str) -> str:
    """Keys as people write them: ``ctrl+up,f5`` is ``Ctrl+↑ F5``."""
    return "  ".join("+".join(_key(part) for part in key.split("+")) for key in keys.split(",") if key)


def _key(part: str) -> str:
    return _KEYS.get(part) or (part.upper() if len(part) == 1 or part[1:].isdigit() else part.capitalize())


def _heading(title: str) -> list[Content]:
    return [Content(""), Content.styled(title, "bold $primary")]


def _line(keys: str, slash: str, title: str, binding_id: str) -> Content:
    return Content.assemble(
        (column(keys, 18), "bold"),
        (column(slash, 24), "$secondary"),
        column(title, 38),
        (binding_id, "$text-muted"),
    )
