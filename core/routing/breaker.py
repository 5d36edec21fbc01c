"""Circuit breaker: stop calling what fails, and let one probe at a time find out whether it is back."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

__all__ = ("BreakerPolicy", "CircuitBreaker", "CircuitState")

CircuitState = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a circuit opens and for how long; times in seconds.

    Attributes:
        window: how far back calls count.
        minimum_calls: fewer calls than this in the window never open it.
        failure_rate: the part of them, from 0 to 1, that opens it.
        open_for: the first opening; each failed probe doubles it.
        longest_open: the longest opening.
        probe_deadline: a probe that has not ended by then counts as lost, and another may go.
    """

    window: float = 120.0
    minimum_calls: int = 3
    failure_rate: float = 0.5
    open_for: float = 30.0
    longest_open: float = 300.0
    probe_deadline: float = 30.0


class CircuitBreaker:
    """The circuit of one endpoint; ``now`` is monotonic seconds throughout.

    It advises and never forbids: a caller with nothing better may call through an open circuit, and
    a success then closes it.
    """

    __slots__ = ("_calls", "_openings", "_policy", "_probe_until", "_reopens_at")

    def __init__(self, policy: BreakerPolicy | None = None) -> None:
        self._policy = policy or BreakerPolicy()
        self._calls: deque[tuple[float, bool]] = deque()
        self._reopens_at: float | None = None
        self._openings = 0
        self._probe_until: float | None = None

    def state(self, now: float) -> CircuitState:
        """Closed; open; or half open, when its time is up and no call has yet shown that it works."""
        if self._reopens_at is None:
            return "closed"
        return "open" if now < self._reopens_at else "half_open"

    def admits(self, now: float) -> bool:
        """Whether a call should go: closed, or half open with no probe under way."""
        if self._reopens_at is None:
            return True
        return now >= self._reopens_at and (self._probe_until is None or now >= self._probe_until)

    def admits_at(self, now: float) -> float:
        """The earliest time at which a call should go; ``now`` or before when it may go at once."""
        if self.admits(now):
            return now
        return max(self._reopens_at or now, self._probe_until or now)

    def failures(self, now: float) -> tuple[int, int]:
        """(failed, all) calls within the window."""
        while self._calls and self._calls[0][0] <= now - self._policy.window:
            self._calls.popleft()
        return sum(not succeeded for _, succeeded in self._calls), len(self._calls)

    def started(self, now: float) -> None:
        """A call goes out; in half-open state it is the probe."""
        if self.state(now) == "half_open" and self.admits(now):
            self._probe_until = now + self._policy.probe_deadline

    def succeeded(self, now: float) -> None:
        """A call was answered: the circuit is closed, and past failures no longer count against it."""
        if self._reopens_at is not None:
            self._reopens_at = self._probe_until = None
            self._openings = 0
            self._calls.clear()
        self._calls.append((now, True))

    def failed(self, now: float, retry_after: float | None = None) -> None:
        """A call failed through the endpoint's fault; opens for at least ``retry_after`` if it opens."""
        self._calls.append((now, False))
        state = self.state(now)
        if state == "half_open":
            self._open(now, retry_after)
        elif state == "closed":
            failed, total = self.failures(now)
            if total >= self._policy.minimum_calls and failed >= self._policy.failure_rate * total:
                self._open(now, retry_after)

    def released(self) -> None:
        """A call ended without telling anything about the endpoint's health; a new probe may go."""
        self._probe_until = None

    def trip(self, now: float, seconds: float) -> None:
        """Open for ``seconds`` whatever the window says: the next call is known to fail."""
        self._reopens_at = now + seconds
        self._probe_until = None

    def _open(self, now: float, retry_after: float | None) -> None:
        policy = self._policy
        seconds = min(policy.open_for * 2.0**self._openings, policy.longest_open)
        self._openings = min(self._openings + 1, 16)
        self.trip(now, max(seconds, retry_after or 0.0))
