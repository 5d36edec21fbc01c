"""What each voice command does; ``commands.COMMANDS`` says how it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from app.tui.commands import COMMANDS
from core.errors import InputError

if TYPE_CHECKING:
    from app.tui.screens.chat import ChatScreen
    from app.tui.voice.control import VoiceControl
    from core.voice.engine.events import Direction

__all__ = ("VoiceCommands",)


class VoiceCommands:
    """One method a command, as in ``ChatCommands``."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self.handlers: dict[str, Callable[[str], Awaitable[None]]] = {
            command.id: getattr(self, "_" + command.id.partition(".")[2])
            for command in COMMANDS
            if command.group == "voice"
        }

    def choices(self, slash: str) -> list[str]:
        """The values a slash command completes to."""
        match slash:
            case "voice" | "handsfree" | "mute":
                return ["on", "off"]
            case "language":
                from app.tui.voice.languages import LANGUAGES

                return ["auto", *LANGUAGES]
            case _:
                return []

    @property
    def _voice(self) -> VoiceControl:
        return self._screen.voice

    def _say(self, text: str) -> None:
        self._screen.notify(text, markup=False)

    async def _open(self, argument: str) -> None:
        if _wanted(argument, now=self._voice.is_open):
            self._check_mode()
            self._voice.open()
        else:
            await self._voice.aclose()
            self._say("The microphone is closed.")

    async def _hands_free(self, argument: str) -> None:
        self._check_mode()
        loop = self._voice.loop
        wanted = _wanted(argument, now=loop is not None and loop.hands_free)
        self._voice.set_hands_free(wanted)
        self._say(
            "Just speak." if wanted else f"The talk key is needed again: {self._voice.keys.talk.hint()}."
        )

    async def _mute(self, argument: str) -> None:
        loop = self._voice.loop
        if loop is None:
            raise InputError("The microphone is closed.")
        loop.set_muted(_wanted(argument, now=loop.muted))

    async def _wait(self, _: str) -> None:
        if self._voice.loop is not None:
            self._voice.loop.hold_open()

    async def _read(self, _: str) -> None:
        self._check_mode()
        if not self._voice.read_last():
            self._say("There is no answer to read yet.")

    async def _language(self, code: str) -> None:
        from app.tui.voice.languages import LANGUAGES

        if not code:
            from app.tui.screens.voice_pickers import LanguageScreen

            now = self._voice.settings.language if self._voice.settings else None
            chosen = await self._screen.app.push_screen_wait(LanguageScreen(now))
            if chosen is None:
                return
            code = chosen
        if code != "auto" and code not in LANGUAGES:
            raise InputError(f"Whisper does not know the language {code}.", hint="/language lists them.")
        await self._save("language", None if code == "auto" else code)
        self._say(f"You speak {LANGUAGES[code]}." if code != "auto" else "The language is detected.")

    async def _name(self, name: str) -> None:
        from app.tui.screens.voice_pickers import VoiceScreen

        if not name:
            voices = await self._voice.voices()
            now = self._voice.settings.voice if self._voice.settings else None
            chosen = await self._screen.app.push_screen_wait(VoiceScreen(voices, now))
            if chosen is None:
                return
            name = chosen
        await self._save("voice", name or None)
        self._say(f"Answers are read by {name or 'the default voice'}.")

    async def _microphone(self, name: str) -> None:
        await self._choose_device("microphone", name)

    async def _speaker(self, name: str) -> None:
        await self._choose_device("speaker", name)

    async def _choose_device(self, direction: Direction, name: str) -> None:
        from app.tui.screens.voice_pickers import DeviceScreen

        if not name:
            now = getattr(self._voice.settings, direction, None)
            chosen = await self._screen.app.push_screen_wait(DeviceScreen(direction, now))
            if chosen is None:
                return
            name = chosen
        await self._save(direction, None if name in ("", "default") else name)
        self._say(f"The {direction} is {name or 'the default one'}.")

    async def _save(self, name: str, value: str | None) -> None:
        """Remember a choice; the loop follows the settings."""
        from core.settings import save_setting

        app = self._screen.tensorwall
        file = app.launcher.locations.settings_file
        app.settings_changed(await asyncio.to_thread(save_setting, file, f"voice.{name}", value))

    def _check_mode(self) -> None:
        if self._voice.settings is not None and self._voice.settings.mode == "off":
            raise InputError("Voice is switched off.", hint="Set voice.mode in the settings (F10).")


def _wanted(argument: str, *, now: bool) -> bool:
    """What ``on``, ``off`` or nothing, which switches, asks for."""
    if argument not in ("", "on", "off"):
        raise InputError(f"Say on or off, not {argument}.")
    return argument == "on" or (not argument and not now)
