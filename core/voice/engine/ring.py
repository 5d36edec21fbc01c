"""Sound handed from one thread to another without a lock."""

from __future__ import annotations

import numpy as np

from core.voice.audio import Samples

__all__ = ("Ring",)


class Ring:
    """The latest samples of an endless stream, addressed by how many came before them.

    One thread writes and never waits; any number of threads read with a position of their own. The
    writer overwrites the oldest samples, so a reader must not fall further behind than `capacity`.
    Nothing is allocated after it was made.

    Attributes:
        capacity: samples it keeps.
        written: samples written since it was made; the last thing `write` changes.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.written = 0
        self._samples = np.zeros(capacity, np.float32)

    @property
    def oldest(self) -> int:
        """Position of the oldest sample that is still kept."""
        return max(0, self.written - self.capacity)

    def write(self, samples: Samples) -> None:
        """Append ``samples``, at most `capacity` of them."""
        start = self.written % self.capacity
        until_wrap = min(len(samples), self.capacity - start)
        self._samples[start : start + until_wrap] = samples[:until_wrap]
        self._samples[: len(samples) - until_wrap] = samples[until_wrap:]
        self.written += len(samples)

    def copy(self, position: int, out: Samples) -> None:
        """Fill ``out`` with the samples from ``position`` on; they must all be written and still kept."""
        start = position % self.capacity
        until_wrap = min(len(out), self.capacity - start)
        out[:until_wrap] = self._samples[start : start + until_wrap]
        out[until_wrap:] = self._samples[: len(out) - until_wrap]
