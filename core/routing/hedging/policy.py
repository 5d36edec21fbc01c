"""When a second route is asked beside one that is slow to begin its answer. Pure.

The second copy of a request goes out only once the first has taken longer than nearly all before it
(Dean and Barroso, "The Tail at Scale", 2013), so that a few more requests cut off most of the tail, which
is the provider's queue.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.routing.limits.allowance import LimitLevel
from core.routing.recent_times import RecentTimes

__all__ = ("HedgePolicy", "Hedging", "is_low")

_LATELY = 300.0
"""Seconds; what a route took before says nothing about how it is now."""
_SLOW_IN_A_ROW = 2
_LOW = 0.2
"""The share of a limit below which it is kept for calls that have no other."""


@dataclass(frozen=True, slots=True)
class HedgePolicy:
    """How eagerly a second route is asked.

    Attributes:
        share: hedges among all streamed requests, at most; 0 makes none.
        saved: hedges that may be saved up for a bad quarter of an hour.
        quantile: of the route's own times to its first content, after which it counts as slow.
        least_delay: seconds that a route has in any case.
        least_times: fresh times that have to be known of a route.
    """

    share: float = 0.05
    saved: float = 5.0
    quantile: float = 0.95
    least_delay: float = 0.3
    least_times: float = 10.0


class Hedging:
    """Decides whether and when to hedge, and keeps hedges at their share of all requests."""

    def __init__(self, policy: HedgePolicy | None = None) -> None:
        self.policy = policy or HedgePolicy()
        self._allowed = 0.0

    def asked(self) -> None:
        """A streamed request is made."""
        self._allowed = min(self.policy.saved, self._allowed + self.policy.share)

    def delay(self, times: RecentTimes, now: float) -> float | None:
        """Seconds that a route has before another is asked beside it; ``None``: it is waited for.

        Args:
            times: of the route, to its first content.
            now: monotonic seconds.
        """
        if self._allowed < 1.0 - 1e-9 or times.weight(now) < self.policy.least_times:
            return None
        usual = times.quantile(self.policy.quantile, now)
        return None if usual is None else max(usual, self.policy.least_delay)

    def is_worth_it(self, delay: float, rival: RecentTimes, now: float) -> bool:
        """Whether the other route may be expected to begin sooner: not while it is slow itself.

        Args:
            delay: seconds that the first route has had.
            rival: the other's times to its first content; one that has none is tried.
            now: monotonic seconds.
        """
        lately = rival.last(_SLOW_IN_A_ROW, now, within=_LATELY)
        is_slow = len(lately) == _SLOW_IN_A_ROW and min(lately) >= delay
        usual = rival.quantile(0.5, now)
        return not is_slow and (usual is None or usual < delay)

    def take(self) -> None:
        """A hedge is made."""
        self._allowed -= 1.0


def is_low(levels: list[LimitLevel]) -> bool:
    """Whether any of a route's limits is nearly used up."""
    return any(level.free < _LOW * level.limit for level in levels)
