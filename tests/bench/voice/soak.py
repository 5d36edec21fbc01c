"""An hour's worth of spoken turns, 360 of ten seconds: nothing may grow with them.

Time is pressed together: microphone and speaker are stood in for, so that what is said and what is played
take no time. Understanding, turn-taking, asking, storing and speaking are the real ones, with real weights.
The real audio engine is opened and closed again and again at the end.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from unittest.mock import patch

import numpy as np
import psutil
from numpy.typing import NDArray

from core.voice.activity import SileroActivity
from core.voice.audio import FRAME_SECONDS, SAMPLE_RATE, Frame, PcmChunk
from core.voice.engine import AudioEngine
from core.voice.engine.events import ClauseEnded, ClauseStarted, EngineEvent, Position
from core.voice.events import FinalText, ReceiptReady
from tests.bench.voice.conversation import Conversation, converse, sentences
from tests.bench.voice.figures import row
from tests.bench.voice.virtual_sound import virtual_sound

TURNS = 360
WARM_UP = 60
OPENINGS = 40
SPARE_CONNECTIONS = 7
"""Beside the one in use: connections to the provider are kept alive, eight at most."""
ANSWER = "Turn taken. This is a short answer, in two sentences."


class QuickEngine:
    """Hears and plays everything at once; its clock runs ahead of the wall's.

    Attributes:
        said: what any recording holds.
    """

    microphone_name = speaker_name = "stand-in"
    echo_reduction = None
    volume = 1.0
    analysing = False

    def __init__(self, said: NDArray[np.float32]) -> None:
        self.said = said
        self._ahead = 0.0
        self._events: deque[EngineEvent] = deque()
        self._arrived = asyncio.Event()
        self._closed = False

    async def open(self) -> None:
        """Nothing to open."""

    async def aclose(self) -> None:
        """Iteration ends."""
        self._closed = True
        self._arrived.set()

    def now(self) -> float:
        """Seconds, those that were said included."""
        return time.monotonic() + self._ahead

    def hear(self, seconds: float, *, speech: float) -> None:
        """Let so much time pass at once, with that likelihood of speech."""
        for _ in range(round(seconds / FRAME_SECONDS)):
            self._ahead += FRAME_SECONDS
            self._tell(Frame(self.now(), speech, 0.1))

    def recording(self, since: float, until: float) -> NDArray[np.float32]:
        """What is said, whenever that was."""
        return self.said

    def play(self, tag: int, chunk: PcmChunk) -> None:
        """Heard at once."""
        self._tell(ClauseStarted(tag, self.now()))

    def end(self, tag: int) -> None:
        """And over."""
        self._tell(ClauseEnded(tag, self.now()))

    def stop(self) -> None:
        """Nothing plays."""

    def duck(self) -> None:
        """Nothing plays."""

    def unduck(self) -> None:
        """Nothing plays."""

    def position(self) -> Position | None:
        """Nothing plays."""
        return None

    async def __aiter__(self) -> AsyncIterator[EngineEvent]:
        while not self._closed:
            while self._events:
                yield self._events.popleft()
            self._arrived.clear()
            await self._arrived.wait()

    def _tell(self, event: EngineEvent) -> None:
        self._events.append(event)
        self._arrived.set()


@dataclass(frozen=True)
class Held:
    """What this process and its children hold, apart from the simulator, which keeps every request it got."""

    megabytes: float
    threads: int
    descriptors: int
    children: int

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)  # what is free but not given back has not grown
        process = psutil.Process()
        family = [process, *(child for child in process.children(recursive=True) if not is_simulator(child))]
        megabytes = sum(member.memory_info().rss for member in family) / 1e6
        return cls(megabytes, threading.active_count(), len(os.listdir("/proc/self/fd")), len(family) - 1)  # noqa: PTH208


def is_simulator(process: psutil.Process) -> bool:
    """Whether this is the stand-in for Groq."""
    return "app.simulator" in process.cmdline()


async def turns(talk: Conversation, engine: QuickEngine, count: int) -> None:
    """So many questions and answers."""
    for _ in range(count):
        began = time.monotonic()
        talk.loop.talk_started()
        engine.hear(len(engine.said) / SAMPLE_RATE, speech=0.99)
        talk.loop.talk_ended()
        engine.hear(0.5, speech=0.01)
        await talk.first(FinalText, began)
        await talk.first(ReceiptReady, began)
        talk.told.clear()


async def converse_for_an_hour() -> None:
    """Print what grew with the turns."""
    engine = QuickEngine(min((clip.samples() for clip in sentences()), key=len))
    with patch("app.voice_parts.make_engine", lambda _: engine):
        async with converse(None, mode="hold", speculate=False) as talk:
            talk.simulated.configure(text=ANSWER)
            await turns(talk, engine, WARM_UP)
            before, began = Held.now(), time.monotonic()
            await turns(talk, engine, TURNS)
            after = Held.now()
            row(f"{TURNS} turns took", time.monotonic() - began, "s")
    tell_growth("turns", before, after, megabytes=25)


async def open_and_close() -> None:
    """Print what grew with opening and closing the real engine."""
    activity = SileroActivity()

    async def once() -> None:
        engine = AudioEngine(microphone=None, speaker=None, echo="cancel", activity=activity)
        await engine.open()
        await engine.aclose()

    await once()
    before = Held.now()
    for _ in range(OPENINGS):
        await once()
    tell_growth(f"{OPENINGS} openings", before, Held.now(), megabytes=10)


def tell_growth(what: str, before: Held, after: Held, *, megabytes: float) -> None:
    """Four lines."""
    row(f"{what}: memory grew", after.megabytes - before.megabytes, "MB", megabytes)
    row(f"{what}: threads grew", after.threads - before.threads, "", 0)
    row(f"{what}: descriptors grew", after.descriptors - before.descriptors, "", SPARE_CONNECTIONS)
    row(f"{what}: child processes grew", after.children - before.children, "", 0)


def main() -> None:
    """Measure with a sound server for the real engine."""
    with virtual_sound():
        asyncio.run(converse_for_an_hour())
        asyncio.run(open_and_close())


if __name__ == "__main__":
    main()
