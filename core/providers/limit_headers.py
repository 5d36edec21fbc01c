"""What a provider's headers say about its limits, and how long it says to wait."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from core.chat import RateLimits

__all__ = ("go_duration", "rate_limits", "retry_after")

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|d|h|m|s)"
_DURATION = re.compile(rf"(?:{_PART})+")
_TRY_AGAIN = re.compile(rf"try again in ((?:{_PART})+)", re.IGNORECASE)
_MISSING = RateLimits()


def go_duration(text: str) -> float | None:
    """Seconds of a Go duration such as ``2m59.56s`` or ``120ms``, or of a plain number of seconds.

    ``None`` where it is neither (https://pkg.go.dev/time#ParseDuration).
    """
    text = text.strip()
    if _DURATION.fullmatch(text):
        return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))
    return _seconds(text)


def rate_limits(headers: Mapping[str, str]) -> RateLimits | None:
    """The limits an answer's headers report; ``None`` where they report none.

    Args:
        headers: names in lower case.
    """
    limits = RateLimits(
        limit_requests=_count(headers.get("x-ratelimit-limit-requests")),
        remaining_requests=_count(headers.get("x-ratelimit-remaining-requests")),
        reset_requests=_reset(headers.get("x-ratelimit-reset-requests")),
        limit_tokens=_count(headers.get("x-ratelimit-limit-tokens")),
        remaining_tokens=_count(headers.get("x-ratelimit-remaining-tokens")),
        reset_tokens=_reset(headers.get("x-ratelimit-reset-tokens")),
    )
    return None if limits == _MISSING else limits


def retry_after(
    headers: Mapping[str, str], message: str = "", *, now: datetime | None = None
) -> float | None:
    """Seconds the provider asks to wait, by the most authoritative of what it says.

    That is ``retry-after-ms``, ``Retry-After`` (seconds or a date), the error's "try again in 1m2.5s",
    and last the reset of whatever the headers call used up. Where the header is the error's time rounded
    up to whole seconds, it is that time.

    Args:
        headers: names in lower case.
        message: the error's text.
        now: the time a date is compared with; by default the answer's own ``Date``, else the clock.
    """
    if (milliseconds := _seconds(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    if header := headers.get("retry-after"):
        if (seconds := _seconds(header)) is not None:
            exact = _said_in(message)
            return exact if exact is not None and exact <= seconds < exact + 1 else seconds
        if (seconds := _until(header, now or _date(headers.get("date")) or datetime.now(UTC))) is not None:
            return seconds
    if (seconds := _said_in(message)) is not None:
        return seconds
    limits = rate_limits(headers) or _MISSING
    resets = [
        reset
        for remaining, reset in (
            (limits.remaining_requests, limits.reset_requests),
            (limits.remaining_tokens, limits.reset_tokens),
        )
        if remaining == 0 and reset is not None
    ]
    return max(resets, default=None)


def _said_in(message: str) -> float | None:
    found = _TRY_AGAIN.search(message)
    return go_duration(found[1]) if found else None


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _count(text: str | None) -> int | None:
    seconds = _seconds(text)
    return None if seconds is None else int(seconds)


def _reset(text: str | None) -> float | None:
    return None if text is None else go_duration(text)


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def _until(text: str, now: datetime) -> float | None:
    date = _date(text)
    return None if date is None else max(0.0, (date - now).total_seconds())
