"""Durations as Go prints them, which is how Groq writes its waits."""

from __future__ import annotations

__all__ = ("go_duration",)


def go_duration(seconds: float) -> str:
    """``2m59.56s``, ``7.66s``, ``644ms``, ``0s`` (https://pkg.go.dev/time#Duration.String)."""
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
