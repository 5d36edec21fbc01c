"""The open microphone: a callback that only copies, and what it copied at 16 kHz with its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.engine import portaudio
from core.voice.engine.portaudio import Status, Times
from core.voice.engine.resampling import Downsampler
from core.voice.engine.ring import Ring
from core.voice.engine.stream_clock import StreamClock

__all__ = ("Captured", "Microphone")

_BUFFERED = 4.0
"""Seconds the engine's thread may be kept from running before samples are lost."""
_BLOCKS_A_SECOND = 100
"""10 ms: what echo cancellers work in. ALSA's pulse plugin falls behind by 0.5 % with 32 ms blocks."""
_BLOCKS_A_WAKE = 3
"""About a frame of 32 ms: the engine's thread is not woken for less."""
_MOST_LATENCY = 1.0


@dataclass(frozen=True, slots=True)
class Captured:
    """What came since the last look.

    Attributes:
        samples: at 16 kHz.
        delivered: when the last of them was handed over, in seconds of the engine's clock.
        heard: when the last of them reached the microphone.
        lost: how often samples were lost before them.
    """

    samples: Samples
    delivered: float
    heard: float
    lost: int = 0


class Microphone:
    """One open input stream; see `opening` for how to make one.

    Attributes:
        name: what the user knows the device by.
        rate: samples a second of the device.
        last_callback: when the callback last ran; ``None`` before it first did.
        ended: whether the stream ended by itself.
        xruns: times samples were lost.
    """

    def __init__(self, name: str, rate: int, channels: int, wake: Callable[[], None]) -> None:
        self.name = name
        self.rate = rate
        self.last_callback: float | None = None
        self.ended = False
        self.opened = time.monotonic()
        self._wake = wake
        self._channels = channels
        self._ring = Ring(int(rate * _BUFFERED))
        self._mono = np.zeros(self.block, np.float32)
        self._clock = StreamClock(rate)
        self._heard = StreamClock(rate)
        self._downsampler = Downsampler(rate)
        self._read = 0
        self._converted = 0
        self.xruns = 0
        self._xruns_seen = 0
        self._stream: Any = None

    @property
    def block(self) -> int:
        """Samples a callback gets."""
        return self.rate // _BLOCKS_A_SECOND

    def start(self, device: int | None) -> None:
        """Open and start the stream; raises PortAudio's error where the device refuses."""
        sounddevice = portaudio.load()
        self._stream = sounddevice.RawInputStream(
            device=device,
            samplerate=self.rate,
            blocksize=self.block,
            channels=self._channels,
            dtype="float32",
            latency="low",
            callback=self._callback,
            finished_callback=self._finished,
        )
        self._stream.start()

    def lost(self, now: float) -> str:
        """Why it can no longer be used; empty while it can."""
        return portaudio.lost(self.ended, self.opened, self.last_callback, now)

    def close(self) -> None:
        """End the stream; what was not read yet can still be."""
        if self._stream is not None:
            self._stream.close(ignore_errors=True)

    def read(self) -> Captured | None:
        """What came since the last call; ``None`` when nothing did."""
        if self._ring.written - self._read > self._ring.capacity * 3 // 4:
            self.xruns += 1
            self._read = self._ring.written - self.block
            self._converted = self._read * SAMPLE_RATE // self.rate
        lost = self.xruns - self._xruns_seen
        self._xruns_seen += lost
        raw = np.empty(self._ring.written - self._read, np.float32)
        if not len(raw) or not self._clock.running:
            return None
        self._ring.copy(self._read, raw)
        self._read += len(raw)
        samples = self._downsampler.convert(raw)
        self._converted += len(samples)
        last = self._converted * self.rate / SAMPLE_RATE
        return Captured(samples, self._clock.time_of(last), self._heard.time_of(last), lost)

    def _callback(self, data: memoryview, frames: int, times: Times, status: Status) -> None:
        """On PortAudio's thread: nothing here waits, raises, or takes long."""
        now = time.monotonic()
        block = np.frombuffer(data, np.float32)
        if self._channels > 1:
            block = np.mean(block.reshape(frames, -1), axis=1, out=self._mono[:frames])
        self._ring.write(block)
        self.last_callback = now
        if status.input_overflow:
            self.xruns += 1
            self._clock.restart()
            self._heard.restart()
        behind = times.currentTime - times.inputBufferAdcTime - frames / self.rate
        self._heard.observe(self._ring.written, now - (behind if 0 <= behind <= _MOST_LATENCY else 0.0))
        self._clock.observe(self._ring.written, now)
        if self._ring.written // self.block % _BLOCKS_A_WAKE == 0:
            self._wake()

    def _finished(self) -> None:
        self.ended = True
        self._wake()
