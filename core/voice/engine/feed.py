"""What the speaker's callback takes sound from: volume, ducking and stopping act here, at once."""

from __future__ import annotations

import numpy as np

from core.voice.audio import Samples
from core.voice.engine.ring import Ring

__all__ = ("Feed",)

_AHEAD = 0.4
"""Seconds queued for the callback: as long may the engine's thread be kept from running."""
_RAMP = 0.02
"""Seconds from silence to full volume or back: quick, and no click is heard."""
_FADE = 0.005
"""Seconds in which sound that is stopped dies away."""


class Feed:
    """A queue of samples with a volume, written by the engine's thread and read by a callback.

    Volume and `forget` reach the callback as plain attributes, so they act on the next block however
    much is queued, and the callback never waits.

    Attributes:
        rate: samples a second.
        target: the volume to go to, from 0 to 1.
        cursor: position of the next sample to be taken.
    """

    def __init__(self, rate: int, block: int, volume: float) -> None:
        self.rate = rate
        self.target = volume
        self.cursor = 0
        self._volume = volume
        self._queue = Ring(int(rate * _AHEAD))
        self._forgotten_until = 0
        self._step = 1 / (_RAMP * rate)
        self._slope = np.arange(1, block + 1, dtype=np.float32) * np.float32(self._step)
        self._ramp = np.zeros(block, np.float32)
        self._fade = np.linspace(1, 0, int(_FADE * rate), dtype=np.float32)

    @property
    def end(self) -> int:
        """Position after the last sample that is queued."""
        return self._queue.written

    @property
    def room(self) -> int:
        """Samples that can be appended now."""
        return self._queue.capacity - (self._queue.written - self.cursor)

    def left(self, first: int, count: int) -> Samples:
        """A copy of ``count`` queued samples from ``first`` on that were not taken."""
        samples = np.empty(count, np.float32)
        self._queue.copy(first, samples)
        return samples

    def append(self, samples: Samples) -> None:
        """Queue ``samples``, at most `room` of them."""
        self._queue.write(samples)

    def forget(self) -> int:
        """Drop all that is queued, fading out; returns the position that new sound gets."""
        self._forgotten_until = self._queue.written
        return self._forgotten_until

    def take(self, out: Samples) -> int:
        """Fill ``out``, at most a block, with what is next and silence after it; for the callback.

        Returns:
            How many samples count as played, from where `cursor` was; 0 while it fades out.
        """
        if self.cursor < self._forgotten_until:
            self._fade_out(out)
            return 0
        count = min(len(out), self._queue.written - self.cursor)
        if count:
            self._queue.copy(self.cursor, out[:count])
        out[count:] = 0
        self._apply_volume(out, count)
        self.cursor += count
        return count

    def _fade_out(self, out: Samples) -> None:
        count = min(len(out), len(self._fade), self._forgotten_until - self.cursor)
        self._queue.copy(self.cursor, out[:count])
        np.multiply(out[:count], self._fade[:count], out=out[:count])
        np.multiply(out[:count], self._volume, out=out[:count])
        out[count:] = 0
        self._volume = self.target
        self.cursor = self._forgotten_until

    def _apply_volume(self, out: Samples, count: int) -> None:
        target = self.target
        if not count:
            self._volume = target  # nothing is heard of the change
        elif self._volume == target:
            np.multiply(out, target, out=out)
        else:
            ramp = self._ramp[: len(out)]
            rising = target > self._volume
            np.multiply(self._slope[: len(out)], 1 if rising else -1, out=ramp)
            np.add(ramp, self._volume, out=ramp)
            (np.minimum if rising else np.maximum)(ramp, target, out=ramp)
            np.multiply(out, ramp, out=out)
            self._volume = float(ramp[-1])
