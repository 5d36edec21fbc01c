"""What spend can be grouped by."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, get_args

__all__ = (
    "DIMENSIONS",
    "FIELDS",
    "FIRST_DAY",
    "LAST_DAY",
    "TIMES",
    "Dimension",
    "Field",
    "Time",
    "column_name",
    "day_of",
)

Field = Literal["model", "provider", "route", "feature", "role", "outcome", "key"]
"""What a call is like, in words; a column of ``call_kinds``. ``key``: the gateway's, by its id."""
FIELDS: tuple[Field, ...] = get_args(Field)
Time = Literal["day", "week", "month"]
TIMES: tuple[Time, ...] = get_args(Time)
Dimension = Field | Time | Literal["session"]
"""What calls are grouped by; days, weeks (from Monday) and months by this machine's clock."""
DIMENSIONS: tuple[Dimension, ...] = ("session", *FIELDS, *TIMES)

_EPOCH = date(1970, 1, 1)
FIRST_DAY, LAST_DAY = (date.min - _EPOCH).days + 7, (date.max - _EPOCH).days
"""What a calendar has, and the Monday before it; days since 1970."""


def column_name(field: Field) -> str:
    """Its column in ``call_kinds`` and in ``calls``."""
    return "key_id" if field == "key" else field


def day_of(number: int) -> date:
    """The day of that number since 1970."""
    return _EPOCH + timedelta(days=number)
