"""Days by this machine's clock, as SQL over quarters of an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, case, func, literal_column, select

from core.costs.periods import offsets, quarter_start
from core.review.dimensions import FIRST_DAY, LAST_DAY, Dimension
from core.storage.tables import quarter_spend

__all__ = ("LocalDays", "first_day", "local_days")

_DAY = 96
_SIX_HOURS = 24
"""Quarters of an hour."""
_MARCH = 719_468
"""Days from 1 March of the year 0 to 1970."""
_MONDAY = _MARCH + 2
"""Days from a Monday to 1970, so many that they are counted from before the calendar begins."""
_NO_USE_BEFORE = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_AHEAD = timedelta(days=36_525)


@dataclass(frozen=True, slots=True)
class LocalDays:
    """Days since 1970 by a clock.

    Attributes:
        changes: pairs (quarter, offset): from that quarter of an hour on the clock is ahead of UTC by so
            many quarters. The first holds for all before it, too.
    """

    changes: Sequence[tuple[int, int]]

    @property
    def begin_with_six_hours(self) -> bool:
        """Whether no midnight lies within six hours that are counted from 1970 UTC."""
        return len(self.changes) == 1 and self.changes[0][1] % _SIX_HOURS == 0

    def number(self, quarter: ColumnElement[int]) -> ColumnElement[int]:
        """The number of the day that a quarter of an hour is in."""
        # SQL divides towards 0, a calendar counts downwards before 1970: so it is counted from its beginning.
        counted = quarter + _ahead(quarter, self.changes) - _number(_DAY * FIRST_DAY)
        return counted // _number(_DAY) + _number(FIRST_DAY)


def local_days(connection: Connection) -> LocalDays:
    """The days of this machine's clock, over all the time of the ledger."""
    ends = [select(end(quarter_spend.c.quarter)).scalar_subquery() for end in (func.min, func.max)]
    first, last = connection.execute(select(*ends)).one()
    now = datetime.now(UTC)
    # Of what a damaged row dates before or after that the nearest offset is good enough.
    earliest = max(_NO_USE_BEFORE, quarter_start(first)) if first is not None else now
    latest = min(now + _CLOCK_AHEAD, quarter_start(last)) if last is not None else now
    return LocalDays(offsets(earliest, max(earliest, latest)))


def first_day(day: ColumnElement[int], dimension: Dimension) -> ColumnElement[int]:
    """The number of the day, or of the first day of its week or month; the nearest that a calendar has.

    Args:
        day: days since 1970; a plain column, since it is repeated.
        dimension: ``week``, ``month``, or what is by day.
    """
    first, last = _number(FIRST_DAY), _number(LAST_DAY)
    of_calendar = case((day < first, first), (day > last, last), else_=day)
    if dimension == "week":
        return of_calendar - (of_calendar + _number(_MONDAY)) % _number(7)
    return of_calendar - _day_of_month(of_calendar) if dimension == "month" else of_calendar


def _day_of_month(day: ColumnElement[int]) -> ColumnElement[int]:
    """From 0 on. Counted from a 1st of March, so that a leap day ends a year, as it ends a century.

    See https://howardhinnant.github.io/date_algorithms.html#civil_from_days
    """
    counted = day + _number(_MARCH)
    of_century = (counted * 4 + _number(3)) % _number(146_097) // _number(4)
    of_year = (of_century * 4 + _number(3)) % _number(1_461) // _number(4)
    return (of_year * 5 + _number(2)) % _number(153) // _number(5)


def _ahead(quarter: ColumnElement[int], changes: Sequence[tuple[int, int]]) -> ColumnElement[Any]:
    """By halving, since there are two changes a year."""
    if len(changes) == 1:
        return _number(changes[0][1])
    middle = len(changes) // 2
    earlier = quarter < _number(changes[middle][0])
    return case((earlier, _ahead(quarter, changes[:middle])), else_=_ahead(quarter, changes[middle:]))


def _number(value: int) -> ColumnElement[int]:
    return literal_column(str(value), Integer)
