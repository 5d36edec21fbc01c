"""Where the month's spend is heading. Pure: days and their spend come in as arguments."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from core.costs.periods import month_start

__all__ = ("LOOKED_BACK", "Forecast", "ForecastSum", "forecast")

ForecastSum = Literal["spent", "a_day", "projected", "last_month", "last_month_by_now"]
"""One of a forecast's sums of money, by its name there."""

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
        estimated: the sums of which a part is an estimate of tokens.
    """

    spent: Decimal
    a_day: Decimal
    days_left: int
    projected: Decimal
    last_month: Decimal
    last_month_by_now: Decimal
    estimated: frozenset[ForecastSum] = frozenset()


def forecast(spent_on: Mapping[date, Decimal], today: date, estimated_on: Collection[date] = ()) -> Forecast:
    """The forecast from what each day cost, on some of them by estimate; days that are missing cost nothing.

    The days looked back at end yesterday and begin with the first that cost anything: today is not
    over, and before the first use there was nothing to learn from. Without any, today counts as one.
    """
    first, following = month_start(today), month_start(today, 1)
    before = month_start(today, -1)
    spent = _between(spent_on, first, following)
    oldest = min((day for day, cost in spent_on.items() if cost), default=today)
    since = max(oldest, today - timedelta(days=LOOKED_BACK))
    days = (today - since).days
    looked_at = (since, today) if days > 0 else (today, today + timedelta(days=1))
    a_day = _between(spent_on, *looked_at) / max(1, days)
    days_left = (following - today).days - 1
    same_day = min(before + timedelta(days=today.day), first)
    rests_on: dict[ForecastSum, tuple[tuple[date, date], ...]] = {
        "spent": ((first, following),),
        "a_day": (looked_at,),
        "projected": ((first, following), looked_at) if days_left else ((first, following),),
        "last_month": ((before, first),),
        "last_month_by_now": ((before, same_day),),
    }
    return Forecast(
        spent=spent,
        a_day=a_day,
        days_left=days_left,
        projected=spent + a_day * days_left,
        last_month=_between(spent_on, before, first),
        last_month_by_now=_between(spent_on, before, same_day),
        estimated=frozenset(
            name
            for name, spans in rests_on.items()
            if any(since <= day < until for since, until in spans for day in estimated_on)
        ),
    )


def _between(spent_on: Mapping[date, Decimal], since: date, until: date) -> Decimal:
    return sum((cost for day, cost in spent_on.items() if since <= day < until), Decimal(0))
