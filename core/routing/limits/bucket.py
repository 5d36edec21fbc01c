"""One limit that fills up again at a steady rate: how much of it is free, and when more will be."""

from __future__ import annotations

__all__ = ("Bucket",)


class Bucket:
    """A limit of so many units in a period, of which what is used comes back continuously.

    Not a window: after a tenth of the period a tenth of the limit is back. Groq's own limits behave so
    (`core.routing.limits.allowance`). ``now`` is monotonic seconds throughout and never goes back.

    Args:
        limit: units; above 0.
        period: seconds in which an exhausted limit is whole again; above 0.
        now: the time at which nothing of it is used.
    """

    __slots__ = ("_at", "_used", "limit", "period")

    def __init__(self, limit: float, period: float, now: float) -> None:
        self.limit = limit
        self.period = period
        self._used = 0.0
        self._at = now

    @property
    def rate(self) -> float:
        """Units a second that come back."""
        return self.limit / self.period

    def used(self, now: float) -> float:
        """Units in use; above the limit where more was taken than there was."""
        return max(0.0, self._used - max(0.0, now - self._at) * self.rate)

    def free(self, now: float) -> float:
        """Units that may be taken; never below 0."""
        return max(0.0, self.limit - self.used(now))

    def wait(self, amount: float, now: float) -> float:
        """Seconds until ``amount`` is free; 0 where it is. More than the limit is never free."""
        return max(0.0, (self.used(now) + amount - self.limit) / self.rate)

    def take(self, amount: float, now: float) -> None:
        """Use ``amount``; below 0 it is given back."""
        self.set_used(self.used(now) + amount, now)

    def set_used(self, used: float, now: float) -> None:
        """State what is in use at ``now``."""
        self._used = max(0.0, used)
        self._at = max(self._at, now)

    def resize(self, limit: float, period: float, now: float) -> None:
        """Another limit from now on; what is in use stays so."""
        self.set_used(self.used(now), now)
        self.limit, self.period = limit, period
