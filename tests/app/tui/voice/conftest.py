"""The real app with a scripted voice loop, and a keyboard whose keys come up again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual import events

from app.tui.keyboard import KeyboardReported, KeyReleased, KeyRepeated
from app.tui.keyboard.keys import bare_key
from tests.app.tui.conftest import User, opened
from tests.app.tui.voice.scripted import Script


class Keyboard:
    """Keys of a terminal that tells their releases."""

    def __init__(self, user: User) -> None:
        self._user = user

    async def down(self, key: str, *, repeats: int = 0) -> None:
        character = " " if key == "space" else key if len(key) == 1 else None
        self._user.app.post_message(events.Key(key, character))
        for _ in range(repeats):
            self._user.app.post_message(KeyRepeated(key, character))
        await self._user.pilot.pause()

    async def up(self, key: str) -> None:
        self._user.app.post_message(KeyReleased(bare_key(key)))
        await self._user.pilot.pause()


class VoiceUser(User):
    """A user who also talks."""

    script: Script
    keyboard: Keyboard

    async def opens_voice(self) -> None:
        await self.sends("/voice on")
        await self.until(lambda: self.script.voices and self.chat.voice.loop is not None)
        await self.sees("Microphone open")

    @property
    def bar(self) -> str:
        status = self.chat.voice_bar.status
        return "" if status is None else f"{status.state} {status.hint}"


@asynccontextmanager
async def talking(folder: Path, *, releases: bool = True, **options: object) -> AsyncIterator[VoiceUser]:
    script = Script()
    async with opened(folder, **options) as user:
        user.chat.voice.open_voice = script.open
        talker = VoiceUser(user.app, user.pilot)
        talker.script = script
        talker.keyboard = Keyboard(talker)
        user.app.post_message(KeyboardReported(27 if releases else 25))
        await user.until(lambda: user.chat.voice.keys.talk.releases is releases)
        yield talker


@pytest.fixture(autouse=True)
def _extra_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs these tests may lack the voice extra and the weights: the loop is scripted."""
    monkeypatch.setattr("app.tui.voice.keys.is_installed", lambda: True)
    monkeypatch.setattr("app.tui.voice.control.is_installed", lambda: True)
    monkeypatch.setattr("app.tui.voice.first_use.missing_model", lambda *_: None)
