"""What becomes of `play` where the engine itself breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.cli.speech_output import play
from core.settings import VoiceSettings
from core.voice.engine.playback import Playback
from core.voice.synthesis.process import ProcessSynthesiser
from tests.sound_server import SoundServer


async def _text() -> AsyncIterator[str]:
    yield "Hello there."


async def test_an_engine_that_breaks_ends_it_with_the_error(
    sound: SoundServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(playback: Playback) -> None:
        raise RuntimeError("the mixer broke")

    monkeypatch.setattr(Playback, "fill", broken)
    synthesiser = ProcessSynthesiser()
    try:
        async with asyncio.timeout(20):
            with pytest.raises(RuntimeError, match="the mixer broke"):
                await play(_text(), synthesiser, VoiceSettings())
    finally:
        await synthesiser.aclose()
