"""Days and moments as people type them: ``2026-11-22``, ``yesterday``, ``2w``. Pure: now is an argument."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from core.costs.periods import Period, local_midnight, month_start, week_start
from core.errors import InputError

__all__ = ("SPANS", "span")

SPANS = "2026-11-22, 2026-11, 2026-11-22T09:30, today, yesterday, week, month, 7d, 2w, 3m"
"""An example of each that can be read."""

_AGO = re.compile(r"([0-9]{1,6})([dwm])")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")
_DAY = timedelta(days=1)


def span(text: str, now: datetime) -> Period:
    """The day, week, month or moment that is meant, by this machine's clock.

    ``7d``, ``2w`` and ``3m`` are the day so many days, weeks or months ago; ``week`` and ``month`` the
    whole of those that ``now`` is in. A time without a zone is this machine's.

    Args:
        text: one of `SPANS`.
        now: with its zone.

    Raises:
        InputError: it is none of them, or there is no such day.
    """
    typed = text.strip()
    try:
        if len(typed) > len("2026-11-22"):
            moment = datetime.fromisoformat(typed).astimezone(UTC)
            return Period(moment, moment)
        first, following = _days(typed.lower(), now.astimezone().date())
        return Period(local_midnight(first), local_midnight(following))
    except (ValueError, OverflowError, OSError):  # OSError: Windows knows no times before 1970
        raise InputError(f"{text!r} is no day or time that can be read.", hint=f"Such as: {SPANS}.") from None


def _days(typed: str, today: date) -> tuple[date, date]:
    """The first day, and the one after the last."""
    if typed == "week":
        monday = week_start(today)
        return monday, monday + 7 * _DAY
    if typed == "month":
        return month_start(today), month_start(today, 1)
    if named := _MONTH.fullmatch(typed):
        first = date(int(named[1]), int(named[2]), 1)
        return first, month_start(first, 1)
    day = _day(typed, today)
    return day, day + _DAY


def _day(typed: str, today: date) -> date:
    if typed in ("today", "yesterday"):
        return today - _DAY * (typed == "yesterday")
    if not (ago := _AGO.fullmatch(typed)):
        return date.fromisoformat(typed)
    number, unit = int(ago[1]), ago[2]
    if unit == "m":
        return _months_before(today, number)
    return today - _DAY * number * (7 if unit == "w" else 1)


def _months_before(day: date, months: int) -> date:
    """The same day of an earlier month, or its last where it has no such day."""
    first = month_start(day, -months)
    return min(first + _DAY * (day.day - 1), month_start(first, 1) - _DAY)
