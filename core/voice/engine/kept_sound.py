"""The latest minutes of the microphone, to be asked for by time."""

from __future__ import annotations

import threading

import numpy as np

from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.engine.ring import Ring

__all__ = ("KeptSound",)

_GAP = 0.1
"""Seconds by which sound may come late before silence is put in for what was lost."""


class KeptSound:
    """A fixed stretch of the past at 16 kHz; the engine's thread appends, others read.

    Args:
        seconds: how much is kept.
    """

    def __init__(self, seconds: float) -> None:
        self._ring = Ring(int(seconds * SAMPLE_RATE))
        self._heard_until: float | None = None
        self._lock = threading.Lock()

    def append(self, samples: Samples, heard_until: float) -> None:
        """Keep ``samples``, whose last was heard at ``heard_until``."""
        with self._lock:
            if self._heard_until is not None:
                missing = heard_until - self._heard_until - len(samples) / SAMPLE_RATE
                if missing > _GAP:
                    self._write_silence(missing)
            self._ring.write(samples[-self._ring.capacity :])
            self._heard_until = heard_until

    def between(self, since: float, until: float) -> Samples:
        """A copy of what was heard in that interval, as far as it is kept."""
        with self._lock:
            if self._heard_until is None:
                return np.zeros(0, np.float32)
            first, end = (self._position(at) for at in (since, until))
            found = np.empty(max(0, end - first), np.float32)
            self._ring.copy(first, found)
            return found

    def _position(self, at: float) -> int:
        assert self._heard_until is not None
        position = self._ring.written - round((self._heard_until - at) * SAMPLE_RATE)
        return min(max(position, self._ring.oldest), self._ring.written)

    def _write_silence(self, seconds: float) -> None:
        silence = np.zeros(min(int(seconds * SAMPLE_RATE), self._ring.capacity), np.float32)
        self._ring.write(silence)
