"""How long a route has taken lately to begin its answers, all of them and not just on average. Pure."""

from __future__ import annotations

import math
from collections import deque

__all__ = ("RecentTimes",)


class RecentTimes:
    """The last times, of which older ones weigh less; ``now`` is monotonic seconds throughout.

    Args:
        most: times that are kept.
        time_constant: seconds after which one weighs 1/e.
    """

    __slots__ = ("_kept", "_time_constant")

    def __init__(self, most: int = 100, time_constant: float = 3600.0) -> None:
        self._kept: deque[tuple[float, float]] = deque(maxlen=most)
        self._time_constant = time_constant

    def observe(self, seconds: float, now: float) -> None:
        """Add one; of a call that was given up, what it had taken by then."""
        self._kept.append((now, seconds))

    def weight(self, now: float) -> float:
        """How many fresh times the kept ones are worth."""
        return sum(self._weight(at, now) for at, _ in self._kept)

    def quantile(self, share: float, now: float) -> float | None:
        """The time that so large a share, from 0 to 1, has not exceeded; ``None`` without any."""
        total = self.weight(now)
        if not total:
            return None
        passed = 0.0
        for seconds, weight in sorted((seconds, self._weight(at, now)) for at, seconds in self._kept):
            passed += weight
            if passed >= share * total * (1 - 1e-9):
                return seconds
        return None

    def last(self, count: int, now: float, *, within: float) -> list[float]:
        """The last times, at most so many, that are not older than ``within`` seconds; oldest first."""
        recent = [seconds for at, seconds in self._kept if now - at <= within]
        return recent[-count:]

    def _weight(self, at: float, now: float) -> float:
        return math.exp(-max(0.0, now - at) / self._time_constant)
