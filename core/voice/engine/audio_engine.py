"""The one owner of microphone and speaker, as the voice loop sees it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future

from core.errors import AudioDeviceFailed
from core.voice.audio import PcmChunk, Samples
from core.voice.engine.echo import CancelEcho, Echo, EchoPolicy, LetEchoIn, RestMicrophone
from core.voice.engine.events import Direction, EchoNotCancelled, EngineEvent, Position
from core.voice.engine.kept_sound import KeptSound
from core.voice.engine.listening import Listening
from core.voice.engine.playback import Playback
from core.voice.engine.worker import Worker

__all__ = ("AudioEngine", "Echo")

_PRE_ROLL = 2.0
"""Seconds before the beginning of a recording that are kept: its first word was spoken before the
key was down or activity was certain."""
_OPENING = 20.0
"""Seconds after which a device that does not open is given up; a permission dialog may be up."""


class AudioEngine:
    """Microphone and speaker: sound in as echo-cancelled frames, sound out clause by clause.

    Iterate over it for what happens, with one consumer. All methods are called from the event loop
    that opened it; none of them waits but `open` and `aclose`.

    Args:
        microphone: its name as `list_devices` gives it; ``None``: the system's default.
        speaker: likewise.
        echo: what is done about the assistant's own voice in the microphone.
        activity: how likely somebody speaks in a frame, from 0 to 1; called on the engine's thread.
        volume: of what is played, from 0 to 1.
        longest: seconds of sound that `recording` can give back, pre-roll apart.
        listens: open a microphone at all.
    """

    def __init__(
        self,
        *,
        microphone: str | None,
        speaker: str | None,
        echo: Echo,
        activity: Callable[[Samples], float],
        volume: float = 1.0,
        longest: float = 120.0,
        listens: bool = True,
    ) -> None:
        self._events: deque[EngineEvent | Exception] = deque()
        self._kept = KeptSound(longest + _PRE_ROLL)
        self._listening = Listening(activity, self._kept, self._echo_policy(echo))
        self._playback = Playback(volume)
        self._wanted: dict[Direction, str | None] = {"microphone": microphone} if listens else {}
        self._wanted["speaker"] = speaker
        self._worker: Worker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._arrived = asyncio.Event()
        self._told = False
        self._closed = False

    async def open(self) -> None:
        """Open both directions, or those that are not open.

        Raises:
            VoiceUnavailable: a package or a library is missing.
            AudioDeviceFailed: neither direction could be opened. Where only one could, it is used and
                `DeviceLost` is reported for the other.
        """
        self._loop = asyncio.get_running_loop()
        self._closed = False
        if self._worker is None or not self._worker.running:
            self._worker = Worker(self._wanted, self._listening, self._playback, self._report)
            self._worker.start()
        try:
            await asyncio.wait_for(self._on_thread(self._worker, self._worker.devices.open), _OPENING)
        except TimeoutError:
            raise AudioDeviceFailed("The audio devices do not answer.", hint="Try again.") from None

    async def aclose(self) -> None:
        """Let go of the devices; iteration ends."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.to_thread(worker.close)
        self._closed = True
        self._arrived.set()

    def now(self) -> float:
        """The engine's clock, in seconds; all times it reports are of this clock."""
        return time.monotonic()

    async def __aiter__(self) -> AsyncIterator[EngineEvent]:
        while True:
            while self._events:
                event = self._events.popleft()
                if isinstance(event, Exception):
                    raise event
                yield event
            if self._closed:
                return
            self._told = False
            if not self._events:
                await self._arrived.wait()
            self._arrived.clear()

    def recording(self, since: float, until: float) -> Samples:
        """The sound between two times at 16 kHz, as far as it is kept."""
        return self._kept.between(since, until)

    def play(self, tag: int, chunk: PcmChunk) -> None:
        """Append sound to the clause ``tag``; clauses are heard in the order they were begun."""
        self._playback.play(tag, chunk)
        self._wake()

    def end(self, tag: int) -> None:
        """The clause ``tag`` is complete: the next one may follow it."""
        self._playback.end(tag)
        self._wake()

    def stop(self) -> None:
        """Silence at once, and forget all that was to be heard."""
        self._playback.stop()

    def duck(self) -> None:
        """Become quiet, within 20 ms."""
        self._playback.duck(ducked=True)

    def unduck(self) -> None:
        """Become as loud as before."""
        self._playback.duck(ducked=False)

    def position(self) -> Position | None:
        """What is heard at this moment, the device's latency allowed for; ask before `stop`."""
        return self._playback.position(self.now())

    @property
    def volume(self) -> float:
        """From 0 to 1."""
        return self._playback.volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self._playback.volume = volume

    @property
    def analysing(self) -> bool:
        """Whether frames are judged and reported; the sound is kept either way."""
        return self._listening.analysing

    @analysing.setter
    def analysing(self, analysing: bool) -> None:
        self._listening.analysing = analysing
        if analysing and (worker := self._worker) is not None:
            worker.post(lambda: worker.devices.expect_sound(self.now()))

    @property
    def level(self) -> float:
        """Loudness of the latest 32 ms from the microphone, from 0 to 1."""
        return self._listening.level

    @property
    def microphone_name(self) -> str | None:
        """The microphone in use; ``None`` while there is none."""
        microphone = self._worker.devices.microphone if self._worker else None
        return microphone.name if microphone else None

    @property
    def speaker_name(self) -> str | None:
        """The speaker in use; ``None`` while there is none: what is given to `play` waits for one."""
        speaker = self._worker.devices.speaker if self._worker else None
        return speaker.name if speaker else None

    @property
    def echo_reduction(self) -> float | None:
        """Decibels by which the assistant's voice is made softer in the microphone; ``None`` until known."""
        return self._listening.echo.reduction

    @property
    def xruns(self) -> int:
        """Times the devices lost samples or ran dry in the middle of a sound."""
        return self._worker.devices.xruns if self._worker else 0

    def _wake(self) -> None:
        if self._worker is not None:
            self._worker.wake()

    def _report(self, event: EngineEvent | Exception) -> None:
        """On the engine's thread."""
        self._events.append(event)
        if not self._told and self._loop is not None and not self._loop.is_closed():
            self._told = True
            self._loop.call_soon_threadsafe(self._arrived.set)

    def _echo_policy(self, echo: Echo) -> EchoPolicy:
        if echo == "off":
            return LetEchoIn()
        if echo == "half_duplex":
            return RestMicrophone()
        try:
            return CancelEcho()
        except ImportError:
            self._events.append(EchoNotCancelled())
            return RestMicrophone()

    async def _on_thread(self, worker: Worker, command: Callable[[], None]) -> None:
        done: Future[None] = Future()

        def run() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                command()
            except Exception as error:  # noqa: BLE001  # raised where it is awaited
                done.set_exception(error)
            else:
                done.set_result(None)

        worker.post(run)
        await asyncio.wrap_future(done)
