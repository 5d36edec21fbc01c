"""The open speaker: a callback that plays what the feed has, and keeps a copy of what it played."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from core.voice.engine import portaudio
from core.voice.engine.feed import Feed
from core.voice.engine.playback import Playback
from core.voice.engine.portaudio import Status, Times
from core.voice.engine.ring import Ring
from core.voice.engine.stream_clock import StreamClock

__all__ = ("Speaker",)

_REFERENCE = 2.0
"""Seconds of played sound that are kept for the echo canceller."""
_BLOCKS_A_SECOND = 100
_MOST_LATENCY = 1.0
_STOOD_STILL = 0.5
"""Seconds between two callbacks that nothing buffered lasts for: the device did not play meanwhile."""


class Speaker:
    """One open output stream.

    Attributes:
        name: what the user knows the device by.
        rate: samples a second of the device.
        played: everything the device took, silence too; the reference of the echo canceller.
        clock: when which sample of that was handed over, had no callback been late.
        heard: when which sample of it reaches the ear.
        sounds_until: when the latest sound that was handed over dies away.
        last_callback: when the callback last ran; ``None`` before it first did.
        xruns: times the device ran dry in the middle of a sound.
        ended: whether the stream ended by itself.
        resting: whether it is paused.
    """

    def __init__(
        self, name: str, rate: int, channels: int, playback: Playback, wake: Callable[[], None]
    ) -> None:
        self.name = name
        self.rate = rate
        self.played = Ring(int(rate * _REFERENCE))
        self.clock = StreamClock(rate)
        self.heard = StreamClock(rate)
        self.sounds_until = -math.inf
        self.resting = False
        self.last_callback: float | None = None
        self.xruns = 0
        self.ended = False
        self.opened = time.monotonic()
        self._wake = wake
        self._channels = channels
        self._taken = playback.taken
        self._feed: Feed = playback.feed_for(rate, self.block)
        self._mono = np.zeros(self.block, np.float32)
        self._stream: Any = None

    @property
    def latency(self) -> float:
        """Seconds from the hand-over to the ear."""
        return self.heard.time_of(0) - self.clock.time_of(0)

    @property
    def block(self) -> int:
        """Samples a callback is asked for."""
        return self.rate // _BLOCKS_A_SECOND

    def start(self, device: int | None, latency: str | float) -> None:
        """Open and start the stream; raises PortAudio's error where the device refuses."""
        sounddevice = portaudio.load()
        self._stream = sounddevice.RawOutputStream(
            device=device,
            samplerate=self.rate,
            blocksize=self.block,
            channels=self._channels,
            dtype="float32",
            latency=latency,
            callback=self._callback,
            finished_callback=self._finished,
        )
        self._stream.start()

    def lost(self, now: float) -> str:
        """Why it can no longer be used; empty while it can."""
        return "" if self.resting else portaudio.lost(self.ended, self.opened, self.last_callback, now)

    def rest(self) -> None:
        """Pause the stream: an open one costs 2 % of a core, and keeps a Bluetooth headset awake."""
        self.resting = True
        self._stream.abort(ignore_errors=True)

    def rouse(self) -> None:
        """Go on after `rest`; takes milliseconds. Raises PortAudio's error where the device is gone."""
        self.clock, self.heard = StreamClock(self.rate), StreamClock(self.rate)
        self.opened, self.last_callback, self.ended = time.monotonic(), None, False
        self._stream.start()
        self.resting = False

    def close(self) -> None:
        """End the stream at once."""
        if self._stream is not None:
            self._stream.close(ignore_errors=True)

    def _callback(self, data: memoryview, frames: int, times: Times, status: Status) -> None:
        """On PortAudio's thread: nothing here waits, raises, or takes long."""
        now = time.monotonic()
        mono = self._mono[:frames]
        first = self._feed.cursor
        taken = self._feed.take(mono)
        np.frombuffer(data, np.float32).reshape(frames, -1)[:] = mono[:, None]
        self.played.write(mono)
        stood_still = self.last_callback is not None and now - self.last_callback > _STOOD_STILL
        self.last_callback = now
        if status.output_underflow or stood_still:
            self.clock.restart()
            self.heard.restart()
        self.clock.observe(self.played.written, now)
        ahead = times.outputBufferDacTime - times.currentTime  # told before this waited for Python
        begins = self.played.written - frames
        self.heard.observe(begins, now + (ahead if 0 <= ahead <= _MOST_LATENCY else 0.0))
        if taken:
            heard = self.heard.time_of(begins)
            self.sounds_until = heard + taken / self.rate
            self._taken.append((first, taken, heard))
            if status.output_underflow:
                self.xruns += 1
            self._wake()

    def _finished(self) -> None:
        self.ended = not self.resting
        self._wake()
