"""Groq's rate limits: four buckets a key and model that refill continuously.

A call is admitted when what it may use fits: its prompt and ``max_completion_tokens`` at once. The
wait until it fits is ``(used + requested - limit) / rate``, which agrees with recorded messages, such as
"Limit 6000, Used 5034, Requested 1443. Please try again in 4.77s". Fields and headers:
https://console.groq.com/docs/rate-limits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from app.simulator.errors import place, rate_limited, too_large
from app.simulator.go_duration import go_duration
from app.simulator.options import Limits, Tier

__all__ = ("Bucket", "ModelLimits", "Reservation", "limits_of")

_MINUTE = 60.0
_DAY = 86_400.0

_TIERS: dict[Tier, Limits] = {
    "off": Limits(),
    "free": Limits(
        requests_per_minute=30, requests_per_day=1_000, tokens_per_minute=8_000, tokens_per_day=200_000
    ),
    "developer": Limits(requests_per_minute=1_000, requests_per_day=500_000, tokens_per_minute=250_000),
}
_UNLIMITED = 1_000_000_000
"""What the headers say where there is no limit."""


def limits_of(limits: Tier | Limits) -> Limits:
    """The limits themselves, where a tier may be named."""
    return limits if isinstance(limits, Limits) else _TIERS[limits]


class Bucket:
    """One limit: ``used`` drains at ``limit / period`` a second."""

    def __init__(self, limit: int, period: float, clock: Callable[[], float]) -> None:
        self.limit = limit
        self.rate = limit / period
        self._clock = clock
        self._used = 0.0
        self._at = clock()

    @property
    def used(self) -> float:
        """What is in use now."""
        now = self._clock()
        self._used = max(0.0, self._used - (now - self._at) * self.rate)
        self._at = now
        return self._used

    @property
    def remaining(self) -> int:
        """What may be taken now; never below zero."""
        return max(0, math.floor(self.limit - self.used + 1e-6))

    @property
    def reset(self) -> float:
        """Seconds until nothing is in use."""
        return self.used / self.rate

    def wait(self, amount: float) -> float:
        """Seconds until ``amount`` fits; zero when it fits now."""
        return max(0.0, (self.used + amount - self.limit) / self.rate)

    def take(self, amount: float) -> None:
        """Use up ``amount``; a negative one gives back."""
        self._used = max(0.0, self.used + amount)


@dataclass(slots=True)
class Reservation:
    """Tokens set aside for one admitted call."""

    tokens: int


class ModelLimits:
    """The four buckets of one key and one model.

    Args:
        limits: their sizes.
        clock: monotonic seconds.
        organization: the name in error texts.
        model: likewise.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float], *, organization: str, model: str) -> None:
        def bucket(size: int | None, period: float) -> Bucket:
            return Bucket(size or _UNLIMITED, period, clock)

        self._where = place(model, organization)
        self._requests_per_day = bucket(limits.requests_per_day, _DAY)
        self._tokens_per_minute = bucket(limits.tokens_per_minute, _MINUTE)
        self._tokens_per_day = bucket(limits.tokens_per_day, _DAY)
        self._buckets = (
            ("requests per minute (RPM)", bucket(limits.requests_per_minute, _MINUTE)),
            ("requests per day (RPD)", self._requests_per_day),
            ("tokens per minute (TPM)", self._tokens_per_minute),
            ("tokens per day (TPD)", self._tokens_per_day),
        )

    def admit(self, tokens: int) -> Reservation:
        """Take one request and ``tokens`` (prompt and output cap) from every bucket.

        Raises:
            ApiError: 413 when it can never fit, 429 when it does not fit now. Neither takes anything.
        """
        for name, bucket in self._buckets:
            amount = 1 if name.startswith("requests") else tokens
            if amount > bucket.limit:
                raise too_large(self._where, name, bucket.limit, amount)
            wait = bucket.wait(amount)
            if wait > 1e-9:
                raise rate_limited(self._where, name, bucket.limit, bucket.used, amount, wait)
        for name, bucket in self._buckets:
            bucket.take(1 if name.startswith("requests") else tokens)
        return Reservation(tokens)

    def settle(self, reservation: Reservation, used: int) -> None:
        """Replace what was reserved by what was used, once; cached tokens are not part of ``used``."""
        difference = used - reservation.tokens
        reservation.tokens = used
        self._tokens_per_minute.take(difference)
        self._tokens_per_day.take(difference)

    def headers(self) -> dict[str, str]:
        """The ``x-ratelimit-*`` headers: requests a *day*, tokens a *minute*."""
        requests, tokens = self._requests_per_day, self._tokens_per_minute
        return {
            "x-ratelimit-limit-requests": str(requests.limit),
            "x-ratelimit-limit-tokens": str(tokens.limit),
            "x-ratelimit-remaining-requests": str(requests.remaining),
            "x-ratelimit-remaining-tokens": str(tokens.remaining),
            "x-ratelimit-reset-requests": go_duration(requests.reset),
            "x-ratelimit-reset-tokens": go_duration(tokens.reset),
        }
