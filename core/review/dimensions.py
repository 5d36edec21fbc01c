"""What spend can be grouped by, as SQL over ``spend``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, case, func, select

from core.costs.periods import month_start, offsets, quarter_start, week_start
from core.storage.tables import spend

__all__ = ("DIMENSIONS", "Dimension", "Field", "day_of", "keys_of", "local_day")

Field = Literal["model", "provider", "route", "feature", "role", "outcome"]
"""What a call is like, in words."""
Dimension = Field | Literal["session", "day", "week", "month"]
"""What calls are grouped by; days, weeks (from Monday) and months by this machine's clock."""
DIMENSIONS: tuple[Dimension, ...] = ("session", *get_args(Field), "day", "week", "month")

_QUARTERS_A_DAY = 96
_EPOCH = date(1970, 1, 1)


def keys_of(connection: Connection, by: Sequence[Dimension]) -> list[ColumnElement[Any]]:
    """One column a dimension; days, weeks and months all come as the number of the day, see `day_of`."""
    day = local_day(connection) if any(dimension in ("day", "week", "month") for dimension in by) else None
    columns: list[ColumnElement[Any]] = []
    for dimension in by:
        if dimension == "session":
            columns.append(spend.c.session_id)
        elif dimension in ("day", "week", "month"):
            assert day is not None
            columns.append(day)
        else:
            columns.append(spend.c[dimension])
    return columns


def local_day(connection: Connection) -> ColumnElement[Any]:
    """The number of the day, since 1970, that a row's quarter of an hour is in by this machine's clock."""
    first, last = connection.execute(select(func.min(spend.c.quarter), func.max(spend.c.quarter))).one()
    now = datetime.now(UTC)
    changes = offsets(quarter_start(first), quarter_start(last)) if first is not None else offsets(now, now)
    (_, offset), *later = changes
    if not later:
        return (spend.c.quarter + offset) // _QUARTERS_A_DAY
    until = [change for change, _ in later]
    ahead = [offset, *(offset for _, offset in later[:-1])]
    shifted = case(
        *((spend.c.quarter < change, before) for change, before in zip(until, ahead, strict=True)),
        else_=later[-1][1],
    )
    return (spend.c.quarter + shifted) // _QUARTERS_A_DAY


def day_of(number: int, dimension: Dimension) -> date:
    """The day of that number, or the first day of its week or month."""
    day = _EPOCH + timedelta(days=number)
    if dimension == "week":
        return week_start(day)
    return month_start(day) if dimension == "month" else day
