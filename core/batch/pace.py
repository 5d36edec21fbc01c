"""How fast one model may be asked: from what its provider says of its limits, and by our own count.

Pure: time comes in as an argument. Three limits are kept. Tokens a minute, which a provider reserves when it
admits a call, prompt and output cap together, and gives back in part when the call ends; requests in a
period, as its headers tell; and requests a minute, which no header tells, learnt from refusals.
See https://console.groq.com/docs/rate-limits.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from core.chat import RateLimits

__all__ = ("Pace", "Start")

_MINUTE = 60.0
_LONGEST_PAUSE = 60.0
"""Seconds between tries where a provider refuses and does not say for how long."""
_LONGEST_TOLD = 86_400.0
"""Seconds; a provider that asks for more is asked again after a day."""
_EASE = 1.5
"""What a learnt limit grows by in each minute without a refusal."""
_TELLING = 5
"""Requests within a minute; where fewer were taken, a refusal says nothing of a limit on their number."""
_SOON = 0.01
"""Seconds; whoever asks for less of a wait has no limit worth keeping."""
_NEARLY = 1e-6


@dataclass(frozen=True, slots=True)
class Start:
    """A request that is under way: what was reserved for it, when, and what had been reserved by then."""

    tokens: float
    at: float
    tokens_by_then: float
    requests_by_then: float


class _Room:
    """What is left of one limit, which fills at a steady rate; without limit until one is told."""

    def __init__(self) -> None:
        self.size = math.inf
        self.left = math.inf
        self.rate = 0.0
        self.taken = 0.0
        """Of all time, less what was given back."""
        self._at = 0.0

    def take(self, amount: float, now: float) -> None:
        self._pass_time(now)
        self.left -= amount
        self.taken += amount

    def give_back(self, amount: float, now: float) -> None:
        self._pass_time(now)
        self.left = min(self.size, self.left + amount)
        self.taken -= amount

    def wait(self, amount: float, now: float) -> float:
        """Seconds until ``amount`` fits; of more than there ever is, until all of it is free."""
        self._pass_time(now)
        lack = min(amount, self.size) - self.left
        if lack <= _NEARLY * max(1.0, min(amount, self.size)):
            return 0.0
        return lack / self.rate if self.rate > 0 else math.inf

    def resize(self, size: float, left: float, rate: float, now: float) -> None:
        self.size, self.rate, self._at = size, rate, now
        self.left = min(size, left)

    def _pass_time(self, now: float) -> None:
        if self.rate:
            self.left = min(self.size, self.left + (now - self._at) * self.rate)
        self._at = now


class Pace:
    """Says when the next request may start; told of each that starts and of how it ended.

    One request goes first, alone, and what its answer says of the limits decides how many follow. After a
    refusal the same: nothing before the time that the provider asked for, and then one.
    """

    def __init__(self) -> None:
        self.under_way = 0
        self._tokens = _Room()
        self._requests = _Room()
        self._learnt = _Room()
        self._trying = True
        """Whether one request has to be answered before others go."""
        self._not_before = -math.inf
        self._refusals = 0
        """Since the last answer."""
        self._refused_at = -math.inf
        self._eased_at = -math.inf
        self._lately: deque[float] = deque()
        """When the requests of the last minute started."""

    def wait(self, tokens: int, now: float) -> float | None:
        """Seconds until a request of so many tokens may start; ``None``: once another has ended."""
        if now < self._not_before:
            return self._not_before - now
        if self._trying and self.under_way:
            return None
        seconds = max(self._tokens.wait(tokens, now), self._requests.wait(1, now), self._learnt.wait(1, now))
        if math.isfinite(seconds):
            return seconds
        return None if self.under_way else 0.0  # nothing tells when there is room again: it has to be tried

    def start(self, tokens: int, now: float) -> Start:
        """A request starts now: its prompt and its output cap are so many tokens."""
        self.under_way += 1
        reserved = min(tokens, self._tokens.size)
        self._tokens.take(reserved, now)
        self._requests.take(1, now)
        self._learnt.take(1, now)
        self._lately.append(now)
        self._forget(now)
        return Start(reserved, now, self._tokens.taken, self._requests.taken)

    def answered(self, start: Start, now: float, limits: RateLimits | None, used: int | None) -> None:
        """It was answered.

        Args:
            start: what `start` gave.
            now: seconds, on the clock of all calls.
            limits: what the answer's headers tell, as of when the request was admitted.
            used: tokens that were used; ``None`` where that is not known.
        """
        self._refusals = 0
        self._trying = False
        self._end(start, now, used)
        if limits is not None:
            self._hear_of_tokens(limits, start, now)
            self._hear_of_requests(limits, start, now)
        self._ease(now)

    def refused(self, start: Start, now: float, retry_after: float | None) -> None:
        """A limit refused it, for ``retry_after`` seconds; ``None`` where the provider does not say."""
        self._end(start, now, 0)
        self._trying = True
        if start.at >= self._refused_at:  # those that were under way together are refused together
            self._refusals += 1
            self._learn(now, retry_after)
            self._refused_at = self._eased_at = now
        if retry_after is None or self._refusals > 1:
            pause = min(_LONGEST_PAUSE, 2.0 ** (self._refusals - 1))
            retry_after = max(retry_after or 0.0, pause)
        self._not_before = max(self._not_before, now + min(retry_after, _LONGEST_TOLD))

    def failed(self, start: Start, now: float) -> None:
        """It ended in another way, which tells nothing of the limits."""
        self._end(start, now, 0)

    def _end(self, start: Start, now: float, used: int | None) -> None:
        self.under_way -= 1
        if used is not None:
            self._tokens.give_back(start.tokens - used, now)

    def _hear_of_tokens(self, limits: RateLimits, start: Start, now: float) -> None:
        size, left = limits.limit_tokens, limits.remaining_tokens
        if not size or left is None:
            return
        rate = size / _MINUTE
        told = left + rate * (now - start.at) - (self._tokens.taken - start.tokens_by_then)
        # Our own count knows that nothing fills up beyond its size; theirs, who else takes from it.
        self._tokens.resize(size, min(told, self._tokens.left), rate, now)

    def _hear_of_requests(self, limits: RateLimits, start: Start, now: float) -> None:
        size, left = limits.limit_requests, limits.remaining_requests
        if not size or left is None:
            return
        rate = self._requests.rate
        if limits.reset_requests and left < size:
            rate = (size - left) / limits.reset_requests
        told = left + rate * (now - start.at) - (self._requests.taken - start.requests_by_then)
        self._requests.resize(size, told, rate, now)

    def _learn(self, now: float, retry_after: float | None) -> None:
        """Take the requests of the last minute for all that the provider takes in one.

        The first time, where it says when one more will fit, it takes no fewer than one in that time.
        """
        self._forget(now)
        taken = len(self._lately) - 1
        if taken < _TELLING:
            return
        least = float(_TELLING)
        if retry_after is not None and math.isinf(self._learnt.size):
            least = max(least, _MINUTE / max(retry_after, _SOON))
        size = max(least, min(float(taken), self._learnt.size * 0.75))
        self._learnt.resize(size, 0.0, size / _MINUTE, now)

    def _ease(self, now: float) -> None:
        """Try more, where a minute went by without a refusal."""
        if math.isfinite(self._learnt.size) and now - self._eased_at >= _MINUTE:
            self._eased_at = now
            size = self._learnt.size * _EASE
            self._learnt.resize(size, self._learnt.left, size / _MINUTE, now)

    def _forget(self, now: float) -> None:
        while self._lately and self._lately[0] <= now - _MINUTE:
            self._lately.popleft()
