"""What spend can be grouped by."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, get_args

from core.costs.periods import month_start, week_start

__all__ = ("DIMENSIONS", "FIELDS", "TIMES", "Dimension", "Field", "Time", "day_of")

Field = Literal["model", "provider", "route", "feature", "role", "outcome"]
"""What a call is like, in words; a column of ``call_kinds``."""
FIELDS: tuple[Field, ...] = get_args(Field)
Time = Literal["day", "week", "month"]
TIMES: tuple[Time, ...] = get_args(Time)
Dimension = Field | Time | Literal["session"]
"""What calls are grouped by; days, weeks (from Monday) and months by this machine's clock."""
DIMENSIONS: tuple[Dimension, ...] = ("session", *FIELDS, *TIMES)

_EPOCH = date(1970, 1, 1)
_FIRST_DAY, _LAST_DAY = (date.min - _EPOCH).days + 7, (date.max - _EPOCH).days
"""What a calendar has, and the Monday before it."""


def day_of(number: int, dimension: Dimension) -> date:
    """The day of that number since 1970, or the first day of its week or month."""
    day = _EPOCH + timedelta(days=min(max(number, _FIRST_DAY), _LAST_DAY))
    if dimension == "week":
        return week_start(day)
    return month_start(day) if dimension == "month" else day
