"""What the charts draw: pure data in, calls of plotext out; marks and colours both tell series apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import accumulate
from typing import TYPE_CHECKING

from app.figures import money
from app.tui.review.ticks import round_ticks

if TYPE_CHECKING:
    from textual_plotext.plot import Plot

    from core.costs.budgets import Budget

__all__ = (
    "MARKS",
    "Colour",
    "Line",
    "Point",
    "Stack",
    "burn_down",
    "draw_lines",
    "draw_points",
    "draw_stacks",
    "every_day",
    "stacks",
)

Colour = tuple[int, int, int]
MARKS = ("█", "▒", "#", "░", "+")
"""One a series, the last for all others."""
OTHERS = "others"
_BAR = 0.8
"""Of the room that a day has."""
_LABEL = 9
"""Cells between two labels of the horizontal axis."""


@dataclass(frozen=True, slots=True)
class Stack:
    """One series of bars that stand on each other; a value a day."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A model: its speed in tokens a second, and US dollars per million tokens."""

    letter: str
    name: str
    speed: float
    cost: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line: days of the month and US dollars."""

    name: str
    mark: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]


def stacks(spent: Mapping[tuple[date, str], Decimal], days: Sequence[date]) -> list[Stack]:
    """The series of spend by day and model: the dearest models, then all others together."""
    sums: dict[str, Decimal] = {}
    for (_, model), cost in spent.items():
        sums[model] = sums.get(model, Decimal(0)) + cost
    ranked = sorted((model for model in sums if sums[model]), key=lambda model: (-sums[model], model))
    shown = ranked if len(ranked) <= len(MARKS) else ranked[: len(MARKS) - 1]
    series = [Stack(model, tuple(float(spent.get((day, model), 0)) for day in days)) for model in shown]
    if rest := ranked[len(shown) :]:
        others = [sum(spent.get((day, model), Decimal(0)) for model in rest) for day in days]
        series.append(Stack(OTHERS, tuple(map(float, others))))
    return series


def burn_down(
    spent: Sequence[Decimal], projected: Decimal, budget: Budget | None, last_day: int
) -> list[Line]:
    """What is left of a month's budget day by day, and by its end; without a limit what has been spent.

    Args:
        spent: from the first of the month on, each day's with those before.
        projected: at the month's end.
        budget: the month's.
        last_day: of the month.
    """
    limit = (budget.hard or budget.soft) if budget else None
    shown = (
        [*spent, projected]
        if limit is None
        else [max(Decimal(0), limit - cost) for cost in (*spent, projected)]
    )
    *until_today, end = map(float, shown)
    today = float(len(spent))
    lines = [
        Line(
            "spent" if limit is None else "left",
            "█",
            tuple(map(float, range(1, len(spent) + 1))),
            tuple(until_today),
        ),
        Line("heading for", "·", (today, float(last_day)), (until_today[-1], end)),
    ]
    if budget is not None and budget.hard is not None and budget.soft is not None:
        above = float(budget.hard - budget.soft)
        lines.append(Line("soft limit", "-", (1.0, float(last_day)), (above, above)))
    return lines


def draw_stacks(
    plot: Plot, series: Sequence[Stack], days: Sequence[date], colours: Sequence[Colour], width: int
) -> None:
    """Bars over days; the highest first, so that each lower one covers its part. ``width`` is in cells."""
    _begin(plot)
    if not series:
        return
    tops = list(accumulate((stack.values for stack in series), _on_top))
    for top, mark, colour in reversed(list(zip(tops, MARKS, colours, strict=False))):
        spent = [day for day, height in enumerate(top) if height]  # a bar of no height blots out others
        apart = (
            (spent[-1] - spent[0]) / (len(spent) - 1) if len(spent) > 1 else 1
        )  # plotext widens bars by it
        plot.bar(spent, [top[day] for day in spent], marker=mark, color=colour, width=_BAR / apart)
    plot.xlim(-0.5, len(days) - 0.5)
    _dollars(plot, max(tops[-1]))
    _dates(plot, days, width)


def draw_points(plot: Plot, points: Sequence[Point], colour: Colour) -> None:
    """Cost against speed: the best are at the bottom right."""
    _begin(plot)
    if not points:
        return
    for point in points:
        plot.scatter([point.speed], [point.cost], marker=point.letter, color=colour)
    speeds = round_ticks(max(point.speed for point in points))
    plot.xlim(0, speeds[-1])
    plot.xticks(speeds, [f"{speed:g}" for speed in speeds])
    plot.xlabel("tokens a second")
    _dollars(plot, max(point.cost for point in points))


def draw_lines(plot: Plot, lines: Sequence[Line], last_day: int, colours: Sequence[Colour]) -> None:
    """What is left of the month's budget, day by day."""
    _begin(plot)
    for line, colour in reversed(list(zip(lines, colours, strict=False))):  # the first is above the others
        if line.xs:
            plot.plot(list(line.xs), list(line.ys), marker=line.mark, color=colour)
    plot.xlim(1, last_day)
    plot.xlabel("day of the month")
    plot.xticks([1.0, *map(float, range(5, last_day + 1, 5))])
    _dollars(plot, max((max(line.ys) for line in lines if line.ys), default=0.0))


def every_day(first: date, last: date) -> list[date]:
    """The days from the first to the last, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _on_top(below: tuple[float, ...], above: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(low + high for low, high in zip(below, above, strict=True))


def _begin(plot: Plot) -> None:
    plot.clear_data()
    plot.clear_figure()
    plot.grid(False, False)


def _dollars(plot: Plot, highest: float) -> None:
    """Ticks that read as money does elsewhere, from nothing to the highest or above."""
    ticks = round_ticks(highest)
    plot.ylim(0, ticks[-1])
    plot.yticks(ticks, [money(Decimal(str(tick))) for tick in ticks])


def _dates(plot: Plot, days: Sequence[date], width: int) -> None:
    """As many as have room beside each other."""
    step = max(1, -(-len(days) // max(1, width // _LABEL)))
    shown = list(range(0, len(days), step))
    plot.xticks([float(at) for at in shown], [f"{days[at]:%d %b}" for at in shown])
