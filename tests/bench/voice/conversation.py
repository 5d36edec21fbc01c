"""The whole voice loop as the program composes it: a benchmark is its user, and the simulator answers."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from app.composition import Source, compose
from app.voice_reply import VoiceReply
from app.voice_services import VoiceServices, compose_voice
from core.chat import Message
from core.settings import Settings, VoiceSettings
from core.voice.events import VoiceEvent
from tests.simulated import Simulated, simulator_process
from tests.sound_server import RATE, SoundServer
from tests.voice_models import Clip, speech_clips, whisper_base

__all__ = ("Conversation", "converse", "room_noise", "sentences", "without_silence")

PATIENCE = 600.0
E = TypeVar("E", bound=VoiceEvent)


class Conversation:
    """A running voice loop and all it has told, with the time of each."""

    def __init__(self, voice: VoiceServices, simulated: Simulated) -> None:
        self.loop = voice.loop
        self.simulated = simulated
        self.told: list[tuple[float, VoiceEvent]] = []
        self._news = asyncio.Condition()

    async def listen(self) -> None:
        """Take what the loop tells."""
        async for event in self.loop:
            async with self._news:
                self.told.append((time.monotonic(), event))
                self._news.notify_all()

    async def first(self, kind: type[E], since: float) -> tuple[float, E]:
        """Wait for an event of this kind after ``since``: when it came, and the event."""

        def found() -> tuple[float, E] | None:
            return next(((at, e) for at, e in self.told if at >= since and isinstance(e, kind)), None)

        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: found() is not None)
        event = found()
        assert event is not None
        return event


@asynccontextmanager
async def converse(*, weights: Path | None = None, **voice: object) -> AsyncIterator[Conversation]:
    """Run the loop with these settings, with real weights unless told otherwise; closed afterwards."""
    weights = weights or whisper_base()
    if weights is None:
        raise SystemExit("no Whisper weights: python -m tests.voice_models fetches them")
    with simulator_process() as base_url, tempfile.TemporaryDirectory() as home:
        simulated = Simulated(base_url)
        os.environ |= {
            "TENSORWALL_HOME": home,
            "GROQ_API_URL": base_url,
            "GROQ_API_KEY": simulated.api_key,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        settings = Settings(
            voice=VoiceSettings.model_validate({"model": str(weights), "language": "en", **voice})
        )
        services = await compose(settings, source=Source("keys"))
        session: list[str] = []

        def reply(text: str) -> VoiceReply:
            turn = services.assistant.reply(
                session[0] if session else None, Message(role="user", content=text), tentative=True
            )
            return VoiceReply(turn, services.records, lambda kept: session.append(kept.turn.session_id))

        composed = await compose_voice(services, reply)
        conversation = Conversation(composed, simulated)
        try:
            async with asyncio.TaskGroup() as group:
                running = group.create_task(composed.loop.run())
                group.create_task(conversation.listen())
                await composed.transcriber.warm()
                yield conversation
                await composed.aclose()
                await running
        finally:
            await composed.aclose()
            await services.aclose()
            simulated.close()


def sentences() -> list[Clip]:
    """What the user says: whole sentences, read by people."""
    clips = [clip for clip in speech_clips() if len(clip.words.split()) > 6]
    if not clips:
        raise SystemExit("no recorded speech: python -m tests.voice_models fetches it")
    return clips


def without_silence(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A recording from its first sound to its last, so that its end is the end of speech."""
    block = RATE // 100
    loudness = np.abs(samples[: len(samples) // block * block]).reshape(-1, block).max(axis=1)
    loud = np.flatnonzero(loudness > 0.08 * loudness.max())
    return samples[loud[0] * block : (loud[-1] + 1) * block]


def room_noise(sound: SoundServer, seconds: float = 120.0) -> None:
    """Some noise, at -66 dB: no microphone is as silent as a virtual one."""
    sound.speak(np.random.default_rng(0).normal(0, 0.0005, round(seconds * RATE)).astype(np.float32))
