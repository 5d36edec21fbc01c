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

from app.composition import Source, compose
from app.voice_reply import VoiceReply
from app.voice_services import VoiceServices, compose_voice
from core.chat import Message
from core.settings import Settings, VoiceSettings
from core.voice.audio import Samples
from core.voice.events import VoiceEvent
from core.voice.transcription.transcriber import Hints, Purpose, Transcriber, Transcript
from tests.simulated import Simulated, simulator_process
from tests.sound_server import RATE, SoundServer
from tests.voice_models import Clip, speech_clips, whisper_base

__all__ = ("Conversation", "converse", "sentences", "without_silence")

PATIENCE = 360.0
NOISE_SECONDS = 60
E = TypeVar("E", bound=VoiceEvent)


class TimedTranscriber:
    """The transcriber, and how long each final transcript took it."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber
        self.took: list[float] = []

    @property
    def label(self) -> str:
        """Who listens."""
        return self._transcriber.label

    async def warm(self) -> None:
        """As the transcriber."""
        await self._transcriber.warm()

    async def transcribe(self, samples: Samples, hints: Hints, *, purpose: Purpose = "final") -> Transcript:
        """As the transcriber."""
        transcript = await self._transcriber.transcribe(samples, hints, purpose=purpose)
        if purpose == "final":
            self.took.append(transcript.took)
        return transcript

    async def aclose(self) -> None:
        """As the transcriber."""
        await self._transcriber.aclose()


class Conversation:
    """A running voice loop and all it has told, with the time of each."""

    def __init__(self, voice: VoiceServices, simulated: Simulated) -> None:
        self.loop = voice.loop
        self.simulated = simulated
        self.transcriber = TimedTranscriber(voice.transcriber)
        self.loop.use_transcriber(self.transcriber)
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
async def converse(
    sound: SoundServer | None, *, weights: Path | None = None, **voice: object
) -> AsyncIterator[Conversation]:
    """Run the loop in a room (``sound``), with these settings and real weights unless told otherwise."""
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
                noise = group.create_task(_room_noise(sound)) if sound else None
                await composed.transcriber.warm()
                yield conversation
                if noise is not None:
                    noise.cancel()
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


def without_silence(samples: Samples) -> Samples:
    """A recording from its first sound to its last, so that its end is the end of speech."""
    block = RATE // 100
    loudness = np.abs(samples[: len(samples) // block * block]).reshape(-1, block).max(axis=1)
    loud = np.flatnonzero(loudness > 0.08 * loudness.max())
    return samples[loud[0] * block : (loud[-1] + 1) * block]


async def _room_noise(sound: SoundServer) -> None:
    """Some noise for ever, at -66 dB: no microphone is as silent as a virtual one."""
    noise = np.random.default_rng(0).normal(0, 0.0005, NOISE_SECONDS * RATE).astype(np.float32)
    while True:
        spoken = sound.speak(noise)
        await asyncio.sleep(spoken.ends - time.monotonic())
        spoken.stop()
