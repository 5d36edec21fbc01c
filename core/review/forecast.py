"""Where the month's spend is heading. Pure: days and their spend come in as arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from core.costs.periods import month_start

__all__ = ("LOOKED_BACK", "Forecast", "forecast")

LOOKED_BACK = 28
"""Days: four weeks, so that every weekday counts alike."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """This month so far, and by its end if it goes on as the last four weeks did; US dollars.

    Attributes:
        spent: in this month until now.
        a_day: the mean of the days looked back at, days without spend included.
        days_left: of the month, after today.
        projected: at the end of the month.
        last_month: in the whole month before.
        last_month_by_now: in the month before, up to the same day.
        estimated: whether some of the spend it rests on is an estimate.
    """

    spent: Decimal
    a_day: Decimal
    days_left: int
    projected: Decimal
    last_month: Decimal
    last_month_by_now: Decimal
    estimated: bool = False


def forecast(spent_on: Mapping[date, Decimal], today: date) -> Forecast:
    """The forecast from what each day cost; days that are missing cost nothing.

    The days looked back at end yesterday and begin with the first that cost anything: today is not
    over, and before the first use there was nothing to learn from. Without any, today counts as one.
    """
    first, following = month_start(today), month_start(today, 1)
    before = month_start(today, -1)
    spent = _between(spent_on, first, following)
    oldest = min((day for day, cost in spent_on.items() if cost), default=today)
    since = max(oldest, today - timedelta(days=LOOKED_BACK))
    days = (today - since).days
    a_day = _between(spent_on, since, today) / days if days > 0 else spent_on.get(today, Decimal(0))
    days_left = (following - today).days - 1
    same_day = min(before + timedelta(days=today.day), first)
    return Forecast(
        spent=spent,
        a_day=a_day,
        days_left=days_left,
        projected=spent + a_day * days_left,
        last_month=_between(spent_on, before, first),
        last_month_by_now=_between(spent_on, before, same_day),
    )


def _between(spent_on: Mapping[date, Decimal], since: date, until: date) -> Decimal:
    return sum((cost for day, cost in spent_on.items() if since <= day < until), Decimal(0))
