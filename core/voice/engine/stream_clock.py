"""When each sample of a stream passed, told from when blocks of them were handed over."""

from __future__ import annotations

from collections import deque

__all__ = ("StreamClock",)

_REMEMBERED = 64
"""Blocks that are looked back on: long enough to meet one that was not late, short enough to follow
two sound cards whose crystals differ."""


class StreamClock:
    """Relates a count of samples to seconds of the engine's clock.

    A callback can be late, by a busy machine or because blocks come in pairs, but never early: of the
    latest blocks the one that came soonest for its place in the stream tells the truth.

    Args:
        rate: samples a second.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._origins: deque[float] = deque(maxlen=_REMEMBERED)
        self._origin = 0.0

    def observe(self, position: int, at: float) -> None:
        """The sample at ``position`` passed at ``at``, or earlier."""
        self._origins.append(at - position / self._rate)
        self._origin = min(self._origins)

    def restart(self) -> None:
        """Forget the past: samples were lost, so that those from now on pass later than was thought."""
        self._origins.clear()

    @property
    def running(self) -> bool:
        """Whether anything was observed."""
        return bool(self._origins)

    def time_of(self, position: float) -> float:
        """When the sample at ``position`` passed, in seconds."""
        return self._origin + position / self._rate

    def position_at(self, at: float) -> float:
        """Which sample passes at ``at``."""
        return (at - self._origin) * self._rate
