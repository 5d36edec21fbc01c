"""What spend can be grouped by, as SQL over ``spend``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, Integer, case, func, literal_column, select

from core.costs.periods import month_start, offsets, quarter_start, week_start
from core.storage.tables import quarter_spend, spend

__all__ = ("DIMENSIONS", "FIELDS", "Dimension", "Field", "day_of", "keys_of", "local_day")

Field = Literal["model", "provider", "route", "feature", "role", "outcome"]
"""What a call is like, in words; a column of ``call_kinds``."""
FIELDS: tuple[Field, ...] = get_args(Field)
Dimension = Field | Literal["session", "day", "week", "month"]
"""What calls are grouped by; days, weeks (from Monday) and months by this machine's clock."""
DIMENSIONS: tuple[Dimension, ...] = ("session", *FIELDS, "day", "week", "month")

_EPOCH = date(1970, 1, 1)
_FIRST_DAY, _LAST_DAY = (date.min - _EPOCH).days + 7, (date.max - _EPOCH).days
"""What a calendar has, and the Monday before it."""
_NO_USE_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_AHEAD = timedelta(days=36_525)
_Change = tuple[int, int]
"""From that quarter of an hour on the clock is so many quarters ahead of UTC."""


def keys_of(connection: Connection, by: Sequence[Dimension]) -> dict[str, ColumnElement[Any]]:
    """Columns of ``spend`` that tell these dimensions apart, in their order.

    All that are fields come as one ``kind_id``; days, weeks and months as a day's number, see `day_of`.
    """
    keys: dict[str, ColumnElement[Any]] = {}
    for dimension in by:
        if dimension == "session":
            keys[dimension] = spend.c.session_id
        elif dimension in FIELDS:
            keys["kind_id"] = spend.c.kind_id
        else:
            keys[dimension] = local_day(connection)
    return keys


def local_day(connection: Connection) -> ColumnElement[Any]:
    """The number of the day, since 1970, that a row's quarter of an hour is in by this machine's clock."""
    ends = [select(end(quarter_spend.c.quarter)).scalar_subquery() for end in (func.min, func.max)]
    first, last = connection.execute(select(*ends)).one()
    now = datetime.now(UTC)
    # Of what a damaged row dates before or after that the nearest offset is good enough.
    earliest = max(_NO_USE_BEFORE, quarter_start(first)) if first is not None else now
    latest = min(now + _CLOCK_AHEAD, quarter_start(last)) if last is not None else now
    changes = offsets(earliest, max(earliest, latest))
    return (spend.c.quarter + _ahead(changes)) // _number(96)


def day_of(number: int, dimension: Dimension) -> date:
    """The day of that number, or the first day of its week or month."""
    day = _EPOCH + timedelta(days=min(max(number, _FIRST_DAY), _LAST_DAY))
    if dimension == "week":
        return week_start(day)
    return month_start(day) if dimension == "month" else day


def _ahead(changes: Sequence[_Change]) -> ColumnElement[int]:
    """By halving, since there are two changes a year."""
    if len(changes) == 1:
        return _number(changes[0][1])
    middle = len(changes) // 2
    earlier = spend.c.quarter < _number(changes[middle][0])
    return case((earlier, _ahead(changes[:middle])), else_=_ahead(changes[middle:]))


def _number(value: int) -> ColumnElement[int]:
    """No parameter: PostgreSQL takes expressions with parameters for different ones, also in GROUP BY."""
    return literal_column(str(value), Integer)
