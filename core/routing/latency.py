"""How fast a route has been lately: a mean that forgets, and that doubts itself when idle."""

from __future__ import annotations

import math

__all__ = ("DecayingMean",)


class DecayingMean:
    """Exponentially weighted mean whose weights decay with time, not with the number of samples.

    A sample of age ``t`` weighs ``exp(-t / time_constant)``. For one person, who makes a call every
    minute or so, that is steadier than a per-sample EWMA and still forgets a bad quarter of an hour. A
    mean that jumps to its worst sample, as load balancers of many replicas use, loses more here: one
    long queue says little about the next call (``python -m tests.bench.routing`` has the figures).

    Args:
        time_constant: seconds after which a sample weighs 1/e.
        doubt: the weight of an imagined sample of 0 seconds in ``optimistic``.
    """

    __slots__ = ("_doubt", "_mean", "_time_constant", "_updated", "_weight")

    def __init__(self, time_constant: float = 120.0, doubt: float = 0.03) -> None:
        self._time_constant = time_constant
        self._doubt = doubt
        self._mean = 0.0
        self._weight = 0.0
        self._updated = 0.0

    def observe(self, seconds: float, now: float) -> None:
        """Add a sample taken at ``now``."""
        self._weight = self._weight_at(now) + 1.0
        self._mean += (seconds - self._mean) / self._weight
        self._updated = now

    @property
    def mean(self) -> float | None:
        """Seconds, or ``None`` before the first sample."""
        return self._mean if self._weight else None

    def optimistic(self, now: float) -> float:
        """The mean drawn towards 0 as its samples age; 0 before the first.

        Ranking by this explores by itself: an unmeasured route is tried, and a slow one is tried
        again after a few time constants without a sample, later the slower it was.
        """
        weight = self._weight_at(now)
        return self._mean * weight / (weight + self._doubt)

    def _weight_at(self, now: float) -> float:
        age = max(0.0, now - self._updated)
        return self._weight * math.exp(-age / self._time_constant)
