"""The engine's one thread: it owns the streams and does everything that callbacks must not."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from core.voice.audio import Frame
from core.voice.engine.devices_in_use import DevicesInUse
from core.voice.engine.events import Direction, EngineEvent
from core.voice.engine.listening import Listening
from core.voice.engine.microphone import Microphone
from core.voice.engine.playback import Playback

__all__ = ("Worker",)

_HEARTBEAT = 0.5
"""Seconds after which the devices are looked at though none of them said anything."""
_CLOSING = 5.0
_SPEECH = 0.5
"""Activity from which on somebody speaks, so that an answer may follow."""


class Worker:
    """Takes in what the microphone gave, keeps the speaker supplied, and watches over both.

    Args:
        report: takes each event in order, and the error that ended the thread.
    """

    def __init__(
        self,
        wanted: dict[Direction, str | None],
        listening: Listening,
        playback: Playback,
        report: Callable[[EngineEvent | Exception], None],
    ) -> None:
        self.devices = DevicesInUse(wanted, playback, self.wake, report)
        self._listening = listening
        self._playback = playback
        self._report = report
        self._commands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closing = False
        self._heard_last: Microphone | None = None
        self._thread = threading.Thread(target=self._run, name="audio-engine", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it takes commands; after an error it does not."""
        return not self._closing

    def post(self, command: Callable[[], None]) -> None:
        """Have ``command`` run on the thread."""
        self._commands.put(command)

    def wake(self) -> None:
        """Have the thread look at its streams; never waits, so that callbacks may call it."""
        self._commands.put(None)

    def close(self) -> None:
        """End the streams and the thread; waits for both, but not for ever for a device that hangs."""
        self.post(self._close)
        self._thread.join(_CLOSING)

    def _close(self) -> None:
        self._closing = True

    def _run(self) -> None:
        try:
            while not self._closing:
                self._wait()
                self._turn(time.monotonic())
        except Exception as error:  # noqa: BLE001  # raised to whoever reads the events
            self._closing = True
            self.devices.close()
            self._report(error)
        else:
            self.devices.close()

    def _wait(self) -> None:
        due = self._playback.next_at()
        timeout = _HEARTBEAT if due is None else min(_HEARTBEAT, max(0.0, due - time.monotonic()))
        try:
            command = self._commands.get(timeout=timeout)
            while True:
                if command is not None:
                    command()
                command = self._commands.get_nowait()
        except queue.Empty:
            return

    def _turn(self, now: float) -> None:
        self.devices.watch(now)
        self._listen()
        if self._playback.busy:
            self.devices.expect_sound(now)
            self._playback.fill()
            for event in self._playback.reached(time.monotonic()):
                self._report(event)

    def _listen(self) -> None:
        microphone = self.devices.microphone
        if microphone is not self._heard_last:
            self._heard_last = microphone
            self._listening.begin()
        captured = microphone.read() if microphone else None
        if captured is None:
            return
        for event in self._listening.hear(captured, self.devices.speaker):
            if isinstance(event, Frame) and event.speech >= _SPEECH:
                self.devices.expect_sound(event.at)
            self._report(event)
