"""The audio engine: from a call to what the speaker does, and what an open microphone costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import numpy as np

from core.voice.activity import SileroActivity
from core.voice.audio import PcmChunk
from core.voice.engine import AudioEngine
from core.voice.engine.events import ClauseStarted
from tests.bench.voice.figures import p50, p95, row
from tests.bench.voice.virtual_sound import virtual_sound
from tests.sound_server import RATE, Recording, SoundServer

RUNS = 20
TONE_RATE = 24_000
SECONDS_OPEN = 20.0
WINDOW = RATE // 400  # 2.5 ms: two and a half swings of the tone


def tone(seconds: float) -> PcmChunk:
    """1 kHz, steady."""
    swing = np.sin(2 * np.pi * 1000 * np.arange(round(seconds * TONE_RATE)) / TONE_RATE)
    return PcmChunk((swing * 0.3 * 32767).astype("<i2").tobytes(), TONE_RATE)


def falls_below(recording: Recording, since: float, level: float) -> float | None:
    """When the recorded tone stays below ``level``, for a tenth of a second."""
    sound = np.abs(recording.between(since, since + 3))
    loudness = sound[: len(sound) // WINDOW * WINDOW].reshape(-1, WINDOW).max(axis=1)
    quiet = np.flatnonzero(loudness >= level)
    first = int(quiet[-1]) + 1 if len(quiet) else 0
    if len(loudness) - first < 40:
        return None
    return since + first * WINDOW / RATE


async def playing(engine: AudioEngine, tag: int) -> None:
    """Play the tone and wait until it is heard."""
    engine.play(tag, tone(3))
    engine.end(tag)
    async for event in engine:
        if isinstance(event, ClauseStarted) and event.tag == tag:
            return


async def falls(
    engine: AudioEngine, recording: Recording, quieter: Callable[[], None], below: float
) -> list[float]:
    """Seconds from calling ``quieter`` until the tone is below ``below`` of its loudness."""
    took = []
    for tag in range(RUNS):
        await playing(engine, tag)
        await asyncio.sleep(0.3)
        called = time.monotonic()
        quieter()
        await asyncio.sleep(0.5)
        quiet_from = falls_below(recording, called, 0.3 * below)
        assert quiet_from is not None, "it did not become quiet"
        took.append(quiet_from - called)
        engine.stop()
        engine.unduck()
        await asyncio.sleep(0.1)
    return took


async def starts(engine: AudioEngine, recording: Recording) -> list[float]:
    """Seconds from `play` until something is heard."""
    took = []
    for tag in range(100, 100 + RUNS):
        called = time.monotonic()
        await playing(engine, tag)
        heard = await asyncio.to_thread(recording.wait_for_sound, called)
        took.append(heard - called)
        engine.stop()
        await asyncio.to_thread(recording.wait_for_silence, 0.2)
    return took


async def cost(engine: AudioEngine, *, analysing: bool) -> float:
    """Percent of a core that the open microphone takes."""
    engine.analysing = analysing
    events = asyncio.create_task(count(engine))
    await asyncio.sleep(1)
    before, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(SECONDS_OPEN)
    percent = (time.process_time() - cpu) / (time.monotonic() - before) * 100
    engine.analysing = False
    events.cancel()
    await asyncio.gather(events, return_exceptions=True)
    return percent


async def count(engine: AudioEngine) -> None:
    """Take what comes, as the loop does."""
    async for _ in engine:
        pass


async def measure(sound: SoundServer) -> None:
    """Print all figures."""
    engine = AudioEngine(microphone=None, speaker=None, echo="cancel", activity=SileroActivity())
    await engine.open()
    try:
        row("microphone open, idle: of a core", await cost(engine, analysing=False), "%", 4)
        row("microphone open, judged for speech: of a core", await cost(engine, analysing=True), "%")
        with sound.record() as recording:
            started = await starts(engine, recording)
            ducked = await falls(engine, recording, engine.duck, 0.3)
            stopped = await falls(engine, recording, engine.stop, 0.02)
    finally:
        await engine.aclose()
    row("play to sound, p50", p50(started) * 1000, "ms")
    row("play to sound, p95", p95(started) * 1000, "ms")
    row("duck to quiet, p95", p95(ducked) * 1000, "ms", 60)
    row("stop to silence, p95", p95(stopped) * 1000, "ms", 50)


def main() -> None:
    """Measure through a sound server of its own."""
    with virtual_sound() as sound:
        asyncio.run(measure(sound))


if __name__ == "__main__":
    main()
