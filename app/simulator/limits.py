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

from app.simulator.errors import ApiError
from app.simulator.options import Limits, Tier

__all__ = ("Bucket", "ModelLimits", "Reservation", "go_duration", "limits_of")

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


def go_duration(seconds: float) -> str:
    """A duration as Go's ``time.Duration`` prints it: ``2m59.56s``, ``7.66s``, ``644ms``, ``0s``."""
    nanoseconds = round(seconds * 1e9)
    if nanoseconds <= 0:
        return "0s"
    for unit, size in (("ms", 1_000_000), ("µs", 1_000), ("ns", 1)):
        if size <= nanoseconds < size * 1_000:
            return f"{_decimal(nanoseconds, size)}{unit}"
    minutes, rest = divmod(nanoseconds, 60 * 10**9)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h" if hours else ""
    text += f"{minutes}m" if hours or minutes else ""
    return f"{text}{_decimal(rest, 10**9)}s"


def _decimal(value: int, unit: int) -> str:
    whole, fraction = divmod(value, unit)
    if not fraction:
        return str(whole)
    return f"{whole}.{str(fraction).rjust(len(str(unit)) - 1, '0').rstrip('0')}"


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

        self._where = f"model `{model}` in organization `{organization}` service tier `on_demand`"
        self._requests_per_day = bucket(limits.requests_per_day, _DAY)
        self._tokens_per_minute = bucket(limits.tokens_per_minute, _MINUTE)
        self._tokens_per_day = bucket(limits.tokens_per_day, _DAY)
        self._buckets = (
            ("requests", "requests per minute (RPM)", bucket(limits.requests_per_minute, _MINUTE)),
            ("requests", "requests per day (RPD)", self._requests_per_day),
            ("tokens", "tokens per minute (TPM)", self._tokens_per_minute),
            ("tokens", "tokens per day (TPD)", self._tokens_per_day),
        )

    def admit(self, tokens: int) -> Reservation:
        """Take one request and ``tokens`` (prompt and output cap) from every bucket.

        Raises:
            ApiError: 413 when it can never fit, 429 when it does not fit now. Neither takes anything.
        """
        for kind, name, bucket in self._buckets:
            amount = 1 if kind == "requests" else tokens
            if amount > bucket.limit:
                raise self._too_large(name, bucket, amount)
            if bucket.wait(amount) > 1e-9:
                raise self._exceeded(kind, name, bucket, amount)
        for kind, _, bucket in self._buckets:
            bucket.take(1 if kind == "requests" else tokens)
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

    def _too_large(self, name: str, bucket: Bucket, amount: int) -> ApiError:
        return ApiError(
            413,
            f"Request too large for {self._where} on {name}: Limit {bucket.limit}, Requested {amount}, please "
            "reduce your message size and try again. Need more tokens? Upgrade to Dev Tier today at "
            "https://console.groq.com/settings/billing",
            type="tokens",
            code="rate_limit_exceeded",
        )

    def _exceeded(self, kind: str, name: str, bucket: Bucket, amount: int) -> ApiError:
        wait = bucket.wait(amount)
        return ApiError(
            429,
            f"Rate limit reached for {self._where} on {name}: Limit {bucket.limit}, Used "
            f"{math.ceil(bucket.used - 1e-6)}, Requested {amount}. Please try again in {go_duration(wait)}. Need "
            "more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing",
            type=kind,
            code="rate_limit_exceeded",
            headers={"retry-after": str(math.ceil(wait))},
        )
