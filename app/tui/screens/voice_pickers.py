"""Choosing what speaks, what listens, and in which language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from app.cells import MUTED, column, one_line
from app.tui.failures import explain
from app.tui.screens.picker import PickerScreen, Row
from app.tui.voice.languages import LANGUAGES
from core.errors import VoiceError

if TYPE_CHECKING:
    from core.voice.engine.devices import Devices
    from core.voice.engine.events import Direction
    from core.voice.synthesis.synthesiser import Voice

__all__ = ("DeviceScreen", "LanguageScreen", "VoiceScreen")


class DeviceScreen(PickerScreen[str, str]):
    """Closes with a device's name, or ``default``; the list is asked for afresh, for devices come and go."""

    EMPTY = "No device is found."

    def __init__(self, direction: Direction, current: str | None) -> None:
        super().__init__(direction.capitalize())
        self._direction = direction
        self._current = current
        self._devices: Devices | None = None
        self._problem = ""
        self.start_at(current or "default")

    async def rows(self, query: str) -> list[Row[str]]:
        """The system's default, then every device there is, and the chosen one even if it is gone."""
        devices = await self._listed()
        if devices is None:
            return []
        is_microphone = self._direction == "microphone"
        names = list(devices.microphones if is_microphone else devices.speakers)
        default = devices.default_microphone if is_microphone else devices.default_speaker
        rows = [Row("default", _with_note("The system's default", one_line(default or "none")), "default")]
        rows += [Row(name, Content(one_line(name)), name) for name in names]
        if self._current and self._current not in names:
            gone = _with_note(one_line(self._current), "not connected")
            rows.append(Row(self._current, gone, self._current))
        return [row for row in rows if query.lower() in row.content.plain.lower()]

    async def _listed(self) -> Devices | None:
        from core.voice.engine.devices import list_devices

        if self._devices is None and not self._problem:
            try:
                self._devices = await list_devices()
            except VoiceError as error:
                self._problem = " ".join(explain(error))
                self.EMPTY = self._problem  # type: ignore[misc]
        return self._devices

    async def details(self, row: Row[str]) -> Content:
        """Its whole name."""
        told = "Follows the system when it changes." if row.value == "default" else one_line(row.value)
        return Content(told)

    def choose(self, row: Row[str]) -> None:
        """Use it."""
        self.dismiss(row.value)


class VoiceScreen(PickerScreen["Voice", str]):
    """Closes with a voice's id; empty for the default."""

    EMPTY = "No voice is found."

    def __init__(self, voices: Sequence[Voice], current: str | None) -> None:
        super().__init__("Voice")
        self._voices = voices
        self.start_at(current or "")

    async def rows(self, query: str) -> list[Row[Voice]]:
        """Voices whose name or language fits."""
        words = query.lower().split()
        return [
            Row(voice.id, self._row(voice), voice)
            for voice in self._voices
            if all(word in f"{voice.id} {voice.name} {' '.join(voice.languages)}".lower() for word in words)
        ]

    def _row(self, voice: Voice) -> Content:
        width = max(12, self.row_width - 10)
        return Content.assemble(
            column(one_line(voice.name), width), (column(one_line(", ".join(voice.languages)), 9), MUTED)
        )

    async def details(self, row: Row[Voice]) -> Content:
        """What the setting will hold."""
        return Content.assemble(("voice.voice = ", MUTED), one_line(row.value.id))

    def choose(self, row: Row[Voice]) -> None:
        """Use it."""
        self.dismiss(row.value.id)


class LanguageScreen(PickerScreen[str, str]):
    """Closes with a code such as ``en``, or ``auto``."""

    def __init__(self, current: str | None) -> None:
        super().__init__("Language you speak")
        self.start_at(current or "auto")

    async def rows(self, query: str) -> list[Row[str]]:
        """Detection first."""
        languages = {"auto": "Detected from what you say first", **LANGUAGES}
        return [
            Row(code, Content.assemble(column(name, 34), (code, MUTED)), code)
            for code, name in languages.items()
            if query.lower() in f"{name} {code}".lower()
        ]

    async def details(self, row: Row[str]) -> Content:
        """Why choosing one helps."""
        if row.value == "auto":
            return Content("Listens to the first sentence to find out, and stays with that language.")
        return Content("Words are understood sooner and more surely than when the language is guessed.")

    def choose(self, row: Row[str]) -> None:
        """Use it."""
        self.dismiss(row.value)


def _with_note(name: str, note: str) -> Content:
    return Content.assemble(name, "  ", (note, MUTED))
