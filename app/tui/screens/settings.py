"""The settings screen, made from the settings' own descriptions; each change is saved at once."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.content import Content

from app.cells import MUTED, column, one_line
from app.tui.failures import explain
from app.tui.screens.dialogs import AskScreen
from app.tui.screens.picker import PickerScreen, Row
from core.errors import TensorWallError

if TYPE_CHECKING:
    from pathlib import Path

    from core.settings import SettingInfo, Settings

__all__ = ("SettingsScreen", "parse_value")

_TABLES = ("a table of texts", "an array of tables", "tables by name")
_TEXTS = "a list of texts"


class SettingsScreen(PickerScreen["SettingInfo", None]):
    """Enter changes the highlighted setting: switches and choices step on, the rest is typed."""

    HINT = "Enter change   Ctrl+D back to default   Esc close"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+d", "reset", "Back to default", show=False, priority=True)
    ]

    def __init__(self, settings: Settings, file: Path, changed: Callable[[Settings], None]) -> None:
        super().__init__(f"Settings   {file}")
        self._settings = settings
        self._file = file
        self._changed = changed

    async def rows(self, query: str) -> list[Row[SettingInfo]]:
        """Every setting outside arrays of tables."""
        from core.settings import describe_settings

        infos = [info for info in describe_settings() if self._is_shown(info)]
        return [
            Row(info.key, self._row(info), info)
            for info in infos
            if all(word in f"{info.key} {info.description}".lower() for word in query.lower().split())
        ]

    def _is_shown(self, info: SettingInfo) -> bool:
        outside = info.path[0] not in ("providers", "routes") or len(info.path) == 1
        return outside and not info.is_of_named_table

    def _row(self, info: SettingInfo) -> Content:
        value = self._value(info)
        tone = MUTED if value == info.default else "$primary"
        return Content.assemble(
            column(info.key, 28), (column(_shown(value, 60), max(8, self.row_width - 28)), tone)
        )

    def _value(self, info: SettingInfo) -> object:
        value: Any = self._settings
        for part in info.path:
            value = getattr(value, part)
        return value

    async def details(self, row: Row[SettingInfo]) -> Content:
        """What it does and what it may be."""
        info = row.value
        lines = [
            Content.styled(info.key, "bold $primary"),
            Content(info.description),
            Content(""),
            Content.assemble(("Now      ", MUTED), _shown(self._value(info), 400)),
            Content.assemble(("Default  ", MUTED), _shown(info.default, 400)),
            Content.assemble(("Allowed  ", MUTED), info.allowed),
        ]
        if info.allowed in _TABLES:
            lines += [Content(""), Content.styled(f"Edit it in {self._file}.", MUTED)]
        return Content("\n").join(lines)

    @work(exclusive=True, group="change")
    async def _change(self, info: SettingInfo) -> None:
        value = self._value(info)
        if info.allowed in _TABLES:
            self.notify(f"Edit {info.key} in {self._file}.", markup=False)
        elif isinstance(info.default, bool):
            self._save(info, not value)
        elif info.choices:
            choices = (None, *info.choices) if info.default is None else info.choices
            at = choices.index(value) if value in choices else -1
            self._save(info, choices[(at + 1) % len(choices)])
        else:
            typed = await self.app.push_screen_wait(
                AskScreen(
                    info.key,
                    _typed(value),
                    help_text=f"{info.description} ({_how_typed(info)})",
                    check=lambda text: self._check(info, text),
                )
            )
            if typed is not None:
                self._save(info, parse_value(info, typed))

    def _check(self, info: SettingInfo, text: str) -> None:
        from core.settings.load import parse_settings

        if (value := parse_value(info, text)) is not None:
            import json

            *section, name = info.path
            parse_settings(f"[{'.'.join(section)}]\n{name} = {json.dumps(value)}\n")

    def _save(self, info: SettingInfo, value: object) -> None:
        from core.settings import save_setting

        try:
            self._settings = save_setting(self._file, info.path, value)
        except TensorWallError as error:
            message, hint = explain(error)
            self.notify(f"{message} {hint}".strip(), severity="error", markup=False)
            return
        self._changed(self._settings)
        self.reload()

    def choose(self, row: Row[SettingInfo]) -> None:
        """Change it."""
        self._change(row.value)

    def action_reset(self) -> None:
        """Take the setting out of the file."""
        if (row := self.current) is not None and row.value.allowed not in _TABLES:
            self._save(row.value, None)


def parse_value(info: SettingInfo, text: str) -> object:
    """What was typed, as the setting's type; blank is ``None``, the default.

    Raises:
        InputError: the text is not a number where one is needed.
    """
    from core.errors import InputError

    if not text.strip():
        return None
    if info.allowed == _TEXTS:
        return [part.strip() for part in text.split(",") if part.strip()]
    kinds: tuple[tuple[str, Callable[[str], Any]], ...] = (
        ("whole number", int),
        ("number", float),
        ("US dollars", float),
    )
    for words, kind in kinds:
        if info.allowed.startswith(words):
            try:
                return kind(text.strip())
            except ValueError:
                raise InputError(
                    f"{one_line(text)} is not a {'number' if kind is float else words}."
                ) from None
    return text


def _typed(value: object) -> str:
    """A value as it is typed."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    return "" if value is None else str(value)


def _how_typed(info: SettingInfo) -> str:
    return "texts, separated by commas" if info.allowed == _TEXTS else info.allowed


def _shown(value: object, width: int = 20) -> str:
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, (list, dict)):
        return f"{len(value)} set" if value else "none"
    return one_line(_typed(value))[:width] or "empty"
