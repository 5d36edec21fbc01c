"""What the headers of an answer tell of the limits: how large they are, and what of them is in use."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.chat import LimitKind, RateLimits

__all__ = ("PERIODS", "Told", "told_by")

_MINUTE, _DAY = 60.0, 86_400.0
PERIODS: dict[LimitKind, float] = {
    "requests_per_minute": _MINUTE,
    "requests_per_day": _DAY,
    "tokens_per_minute": _MINUTE,
    "tokens_per_day": _DAY,
}
"""Seconds in which each limit is whole again."""


@dataclass(frozen=True, slots=True)
class Told:
    """One limit as the headers of an answer tell of it."""

    kind: LimitKind
    limit: int
    used: float
    period: float


def told_by(limits: RateLimits) -> list[Told]:
    """Each limit that they tell of."""
    told = (
        _read("tokens", limits.limit_tokens, limits.remaining_tokens, limits.reset_tokens),
        _read("requests", limits.limit_requests, limits.remaining_requests, limits.reset_requests),
    )
    return [limit for limit in told if limit is not None]


def _read(unit: str, limit: int | None, remaining: int | None, reset: float | None) -> Told | None:
    """What is in use, and whether that is of a minute or of a day.

    Groq's requests are those of a day and OpenAI's those of a minute; the time until the limit is whole
    again tells which. That time is also exact, where what remains is rounded down.
    """
    if not limit or remaining is None:
        return None
    used = float(max(0, limit - remaining))
    daily = unit == "requests"
    if used and reset is not None:
        daily = reset * limit / used > math.sqrt(_MINUTE * _DAY)
    period = _DAY if daily else _MINUTE
    if reset is not None and abs(reset / period * limit - used) <= 1:
        used = reset / period * limit
    kinds: dict[tuple[str, bool], LimitKind] = {
        ("tokens", False): "tokens_per_minute",
        ("tokens", True): "tokens_per_day",
        ("requests", False): "requests_per_minute",
        ("requests", True): "requests_per_day",
    }
    return Told(kinds[unit, daily], limit, used, period)
