"""Days, weeks and months by this machine's clock, in the quarters of an hour that spend is summed in.

Pure: the moment comes in as an argument. Every time zone in use is whole quarters of an hour away from UTC
(https://data.iana.org/time-zones/tz-link.html), so that a local midnight is always the start of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

__all__ = (
    "Period",
    "PeriodName",
    "local_midnight",
    "month_start",
    "offsets",
    "period",
    "quarter_of",
    "quarter_start",
    "week_start",
)

PeriodName = Literal["today", "week", "month", "all"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER = timedelta(minutes=15)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) + timedelta(days=2) - _EPOCH) // _QUARTER
_LATEST = (datetime.max.replace(tzinfo=UTC) - timedelta(days=2) - _EPOCH) // _QUARTER
_STEP = timedelta(days=5)
"""Short enough: no clock in the time zone database was changed twice within a week since 1970."""


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time in UTC, without its end; ``None`` where it is open."""

    since: datetime | None = None
    until: datetime | None = None


def period(name: PeriodName, now: datetime) -> Period:
    """The day, week (from Monday) or month that ``now`` is in; it is open towards the future.

    So what was booked while the clock was ahead still counts: no budget grows by turning it back.
    """
    today = now.astimezone().date()
    match name:
        case "today":
            return Period(local_midnight(today))
        case "week":
            return Period(local_midnight(week_start(today)))
        case "month":
            return Period(local_midnight(month_start(today)))
        case "all":
            return Period()


def week_start(day: date) -> date:
    """The Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def month_start(day: date, months: int = 0) -> date:
    """The first day of the day's month, or of one so many months later."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def local_midnight(day: date) -> datetime:
    """When the day began on this machine's clock, in UTC."""
    return datetime.combine(day, time.min).astimezone(UTC)


def quarter_of(moment: datetime) -> int:
    """The quarter of an hour a moment is in, counted from 1970 UTC."""
    return (moment - _EPOCH) // _QUARTER


def quarter_start(quarter: int) -> datetime:
    """When a quarter of an hour began, in UTC; the nearest there is, where no calendar has it."""
    return _EPOCH + min(max(quarter, _EARLIEST), _LATEST) * _QUARTER


def offsets(first: datetime, last: datetime) -> list[tuple[int, int]]:
    """How far this machine's clock is ahead of UTC, from ``first`` to ``last``.

    Returns pairs (quarter, offset): from that quarter of an hour on the clock is ahead by ``offset``
    quarters. The first holds for all before it, too.
    """
    changes = [(quarter_of(first), _offset(first))]
    moment = first
    for following in _steps(first, last):
        if _offset(following) != changes[-1][1]:
            changes.append(_change_between(moment, following))
        moment = following
    return changes


def _steps(first: datetime, last: datetime) -> Iterator[datetime]:
    moment = first
    while moment < last:
        moment = min(moment + _STEP, last)
        yield moment


def _change_between(before: datetime, after: datetime) -> tuple[int, int]:
    """The first quarter of an hour with the offset of ``after``, found by halving."""
    low, high = quarter_of(before), quarter_of(after)
    new = _offset(after)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(quarter_start(middle)) == new:
            high = middle
        else:
            low = middle
    return high, new


def _offset(moment: datetime) -> int:
    ahead = moment.astimezone().utcoffset()
    assert ahead is not None
    return ahead // _QUARTER
