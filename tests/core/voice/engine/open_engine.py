"""An engine with real streams on a virtual microphone and speaker, and what it reports."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from core.voice.audio import SAMPLE_RATE, Frame, PcmChunk, Samples
from core.voice.engine import AudioEngine
from core.voice.engine.events import EngineEvent
from tests.sound_server import SoundServer

__all__ = ("BURST", "PATIENCE", "Heard", "hears", "likeness", "listens", "open_engine", "tone")

PATIENCE = 20.0
"""Seconds in which something has to come about."""

_NOISE = np.convolve(np.random.default_rng(0).standard_normal(SAMPLE_RATE), np.ones(16) / 16, "same")
BURST: Samples = (0.5 * _NOISE / np.abs(_NOISE).max()).astype(np.float32)
"""Something said: a second of noise that is like nothing but itself."""


class Heard:
    """An open engine, and what it has reported so far."""

    def __init__(self, engine: AudioEngine) -> None:
        self.engine = engine
        self.events: list[EngineEvent] = []
        self._grown = asyncio.Condition()

    async def read(self) -> None:
        async for event in self.engine:
            async with self._grown:
                self.events.append(event)
                self._grown.notify_all()

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._grown:
            await self._grown.wait_for(reached)

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def frames_until(self, at: float) -> list[Frame]:
        await self.until(lambda: any(frame.at >= at for frame in self.of(Frame)))
        return [frame for frame in self.of(Frame) if frame.at <= at]


@asynccontextmanager
async def open_engine(**options: Any) -> AsyncIterator[Heard]:
    """An engine that is read until it is closed; with the default devices and no echo, unless told."""
    defaults = {"microphone": None, "speaker": None, "echo": "off", "activity": lambda frame: 0.0}
    engine = AudioEngine(**{**defaults, **options})
    heard = Heard(engine)
    await engine.open()
    async with asyncio.TaskGroup() as group:
        group.create_task(heard.read())
        try:
            yield heard
        finally:
            await engine.aclose()


def likeness(found: Samples, sample: Samples) -> float:
    """How much of ``found`` is ``sample``, wherever it is in it."""
    length = len(found) + len(sample)
    spectrum = np.fft.rfft(found, length) * np.conj(np.fft.rfft(sample, length))
    return float(np.abs(np.fft.irfft(spectrum)).max() / np.linalg.norm(found) / np.linalg.norm(sample))


async def listens(heard: Heard) -> None:
    """Wait until a stretch of sound has come in: a virtual device begins in bursts."""
    heard.engine.analysing = True
    await heard.until(lambda: len(heard.of(Frame)) >= 20)


async def hears(heard: Heard, sound: SoundServer, microphone: str = "room") -> tuple[Samples, float]:
    """What the engine keeps of something said, and how many seconds into it that begins."""
    await listens(heard)
    said = sound.speak(BURST, microphone=microphone)
    await heard.frames_until(said.ends + 0.2)
    found = heard.engine.recording(said.began - 0.2, said.ends + 0.2)
    assert len(found) == pytest.approx(1.4 * SAMPLE_RATE, abs=2)
    return found, np.flatnonzero(np.abs(found) > 0.02)[0] / SAMPLE_RATE - 0.2


def tone(seconds: float, rate: int = 22_050) -> PcmChunk:
    """A steady sound to play."""
    wave = np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
    return PcmChunk((12_000 * wave).astype("<i2").tobytes(), rate)
