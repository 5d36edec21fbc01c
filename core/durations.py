"""How long something takes, in words."""

from __future__ import annotations

__all__ = ("in_words",)

_UNITS = (("days", 86_400), ("h", 3_600), ("min", 60))


def in_words(seconds: float) -> str:
    """A wait, as exact as somebody who waits has use for: ``4.8 s``, ``12 min``, ``3 h``, ``9 days``."""
    for unit, size in _UNITS:
        if seconds >= 2 * size or (unit == "min" and seconds >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s"
