"""The engine's one thread: it owns the streams and does everything that callbacks must not."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from core.errors import VoiceError
from core.voice.audio import SAMPLE_RATE
from core.voice.engine import portaudio
from core.voice.engine.events import DeviceLost, DeviceOpened, Direction, EngineEvent
from core.voice.engine.listening import Listening
from core.voice.engine.microphone import Microphone
from core.voice.engine.playback import Playback
from core.voice.engine.speaker import Speaker

__all__ = ("Worker",)

_HEARTBEAT = 0.5
"""Seconds after which the thread looks at its devices though nothing woke it."""


class Worker:
    """Runs `run` on a thread of its own.

    Args:
        report: takes each event in order.
        failed: takes the error that ended the thread.
    """

    def __init__(
        self,
        listening: Listening,
        playback: Playback,
        report: Callable[[EngineEvent], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.microphone: Microphone | None = None
        self.speaker: Speaker | None = None
        self._listening = listening
        self._playback = playback
        self._report = report
        self._failed = failed
        self._commands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="audio-engine", daemon=True)

    def start(self) -> None:
        """Begin; the streams are opened by `open`."""
        self._thread.start()

    def post(self, command: Callable[[], None]) -> None:
        """Have ``command`` run on the thread."""
        self._commands.put(command)

    def wake(self) -> None:
        """Have the thread look at its streams; never waits."""
        self._commands.put(None)

    def close(self) -> None:
        """End the streams and the thread; waits for both."""
        self.post(self._close)
        self._thread.join()

    def open(self) -> None:
        """Open what is not open; on the thread."""
        failures: list[VoiceError] = []
        portaudio.load()
        if self.microphone is None:
            self._try_open("microphone", self._open_microphone, failures)
        if self.speaker is None:
            self._try_open("speaker", self._open_speaker, failures)
        if self.microphone is None and self.speaker is None:
            raise failures[0]
        if failures:
            missing: Direction = "speaker" if self.microphone else "microphone"
            self._report(DeviceLost(missing, "", str(failures[0])))

    def _try_open(self, direction: Direction, opening: Callable[[], str], failures: list[VoiceError]) -> None:
        import sounddevice

        try:
            name = opening()
        except sounddevice.PortAudioError as error:
            failures.append(portaudio.device_failed(direction, None, error))
        else:
            self._report(DeviceOpened(direction, name))

    def _open_microphone(self) -> str:
        info = portaudio.load().query_devices(kind="input")
        microphone = Microphone(info["name"], SAMPLE_RATE, 1, self.wake)
        microphone.start(None)
        self.microphone = microphone
        return microphone.name

    def _open_speaker(self) -> str:
        info = portaudio.load().query_devices(kind="output")
        channels = min(2, info["max_output_channels"])
        speaker = Speaker(info["name"], int(info["default_samplerate"]), channels, self._playback, self.wake)
        speaker.start(None, "low")
        self.speaker = speaker
        return speaker.name

    def _close(self) -> None:
        self._closing = True
        for stream in (self.microphone, self.speaker):
            if stream is not None:
                stream.close()
        self.microphone = self.speaker = None

    def _run(self) -> None:
        try:
            while not self._closing:
                self._wait()
                self._turn()
        except Exception as error:  # noqa: BLE001  # reported to whoever reads the events
            self._close()
            self._failed(error)

    def _wait(self) -> None:
        timeout = _HEARTBEAT
        due = self._playback.next_at()
        if due is not None:
            timeout = min(timeout, max(0.0, due - time.monotonic()))
        try:
            command = self._commands.get(timeout=timeout)
            while True:
                if command is not None:
                    command()
                command = self._commands.get_nowait()
        except queue.Empty:
            return

    def _turn(self) -> None:
        captured = self.microphone.read() if self.microphone else None
        if captured is not None:
            for frame in self._listening.hear(captured):
                self._report(frame)
        self._playback.fill()
        for event in self._playback.reached(time.monotonic()):
            self._report(event)
