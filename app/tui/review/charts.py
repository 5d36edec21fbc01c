"""Charts, where people would rather look than read; the only ones that load plotext."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.color import Color
from textual.content import Content
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Static
from textual_plotext import PlotextPlot

from app.cells import column
from app.figures import forecast_sum, money
from app.tui.review.choices import Choice, Choices
from app.tui.review.keys import CHARTS
from app.tui.review.legend import legend, legend_room
from app.tui.review.model_names import short_names
from app.tui.review.plots import (
    MARKS,
    Colour,
    Point,
    burn_down,
    draw_lines,
    draw_points,
    draw_stacks,
    every_day,
    stacks,
)
from app.tui.review.spend_words import nothing_in
from app.tui.review.view import View
from core.costs.budgets import Budget
from core.costs.ledger_records import Totals
from core.costs.periods import month_start, period
from core.review import Dimension, Forecast, Group, Progress, Report, Scope

__all__ = ("ChartsView",)

_CHOICES = (
    Choice("days", "Spend per day"),
    Choice("models", "Cost against speed"),
    Choice("month", "Month's budget"),
)
_COLOURS = ("primary", "warning", "success", "error", "secondary")
_MOST_BARS = 62
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class ChartsView(View):
    """One chart at a time, with a legend of its marks; the keys are its own, a chart takes none."""

    BINDINGS: ClassVar[list[BindingType]] = CHARTS

    charts = query_one(Choices)
    plot = query_one(PlotextPlot)

    def parts(self) -> Iterable[Widget]:
        """Which chart, the chart, its marks."""
        yield Choices(_CHOICES, "days")
        yield Static(classes="answer", markup=False)
        yield PlotextPlot()
        yield Static(classes="marks", markup=False)

    def on_mount(self) -> None:
        """Another theme has other colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.reload())

    def on_resize(self, _: events.Resize) -> None:
        """Labels for the width there is."""
        if self._asked:
            self.reload()

    async def load(self) -> None:
        """Ask for what the chart needs, and draw it."""
        match self.charts.active:
            case "days":
                await self._days()
            case "models":
                await self._models()
            case _:
                await self._month()
        self.plot.refresh(layout=True)

    # The charts

    async def _days(self) -> None:
        """Stacked by model; by week or month where there are too many days to see."""
        step, found = await self._by_time()
        spent: dict[tuple[date, str], Decimal] = {}
        for part in found:
            day, model = part.keys
            assert isinstance(day, date)
            spent[day, str(model)] = part.totals.cost
        days = (
            self._all_days([day for day, _ in spent]) if step == "day" else sorted({day for day, _ in spent})
        )
        series = stacks(spent, days)
        self._tell(f"{money(sum(spent.values(), Decimal(0)))} spent, by {step} and model", empty=not series)
        draw_stacks(self.plot.plt, series, days, self._colours(), self.size.width)
        names = short_names(stack.name for stack in series)
        self._legend([(mark, names[stack.name]) for mark, stack in zip(MARKS, series, strict=False)])

    async def _by_time(self) -> tuple[Dimension, list[Group]]:
        review = await self.context.review()
        steps: tuple[Dimension, ...] = ("day", "week", "month")
        for step in steps:
            found = await review.groups((step, "model"), self.scope)
            dates = [key for part in found for key in part.keys if isinstance(key, date)]
            seen = len(self._all_days(dates)) if step == "day" else len(set(dates))
            if seen <= _MOST_BARS or step == "month":
                break
        return step, found

    def _all_days(self, dates: Sequence[date]) -> list[date]:
        """From the beginning of the period, or the first spend, until today."""
        today = self.context.now().astimezone().date()
        begins = [self.scope.since.astimezone().date()] if self.scope.since else []
        return every_day(min([*dates, *begins, today]), max([*dates, today]))

    async def _models(self) -> None:
        """What each model really cost, cached tokens and all, against how fast it wrote."""
        found = await (await self.context.review()).groups(("model",), self.scope)
        known = [part for part in sorted(found, key=_by_tokens) if _is_comparable(part.totals)]
        points = [
            Point(
                letter,
                str(part.keys[0]),
                part.totals.tokens_per_second or 0.0,
                float(part.totals.cost * 1_000_000 / part.totals.total_tokens),
            )
            for letter, part in zip(_LETTERS, known, strict=False)
        ]
        models = short_names(point.name for point in points)
        names = [_figures(point, models[point.name], self.size.width // 2 - 4) for point in points]
        room = legend_room(max(map(len, names), default=0) + 2, self.size.width)
        shown = points[:room]
        words = "US dollars per million tokens, as they came to, against speed"
        if len(known) > len(shown):
            words = f"{words}; the {len(shown)} most used of {len(known)} models"
        self._tell(words, empty=not points)
        draw_points(self.plot.plt, shown, self._colours()[0])
        self._legend([(point.letter, name) for point, name in zip(shown, names, strict=False)])

    async def _month(self) -> None:
        """What is left of the month's limit, or without one what was spent, and where that is heading."""
        records, now = await self.context.services.records(), self.context.now()
        today = now.astimezone().date()
        found = await records.review.groups(("day",), Scope(since=period("month", now).since))
        cost = {part.keys[0]: part.totals.cost for part in found}
        heading = await records.review.month_forecast(now)
        standings = await records.ledger.standings(self.context.services.assistant.budgets, now=now)
        budget = next((standing.budget for standing in standings if standing.budget.scope == "month"), None)
        spent = list(accumulate(cost.get(day, Decimal(0)) for day in every_day(month_start(today), today)))
        last_day = (month_start(today, 1) - month_start(today)).days
        self._tell(_heading(heading, budget), empty=False)
        lines = burn_down(spent, heading.projected, budget, last_day)
        draw_lines(self.plot.plt, lines, last_day, self._colours())
        self._legend([(line.mark, line.name) for line in lines])

    async def report(self, progress: Progress | None = None) -> Report:  # noqa: ARG002
        """What the chart is drawn from, to be written down."""
        review = await self.context.review()
        match self.charts.active:
            case "days":
                return await review.group_report(["day", "model"], self.scope)
            case "models":
                return await review.group_report(["model"], self.scope)
            case _:
                since = period("month", self.context.now()).since
                return await review.group_report(["day"], Scope(since=since))

    # Around the chart

    def _tell(self, words: str, *, empty: bool) -> None:
        self.plot.display = not empty
        told = nothing_in(self.scope) if empty else words
        self.query_one(".answer", Static).update(Content.styled(told, "bold"))

    def _legend(self, marks: Sequence[tuple[str, str]]) -> None:
        """Points, which have letters, share one colour."""
        colours = self._colours()
        if self.charts.active == "models":
            colours = [colours[0]] * len(marks)
        names = [
            Content.assemble((mark, Color(*colour).hex), f" {name}")
            for (mark, name), colour in zip(marks, colours, strict=False)
        ]
        self.query_one(".marks", Static).update(legend(names, self.size.width))

    def _colours(self) -> list[Colour]:
        variables = self.app.theme_variables
        return [Color.parse(variables[name]).rgb for name in _COLOURS]

    # Choosing

    def action_choose(self, step: int) -> None:
        """The next chart."""
        self._choose(self.charts.neighbour(step))

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        event.stop()
        self._choose(event.value)

    def _choose(self, chart: str) -> None:
        self.charts.active = chart
        self.reload()


def _heading(heading: Forecast, budget: Budget | None) -> str:
    limit = (budget.hard or budget.soft) if budget else None
    if limit is None:
        told = f"{forecast_sum(heading, 'spent')} spent this month"
    else:
        told = f"{money(max(Decimal(0), limit - heading.spent))} left of {money(limit)} this month"
    return f"{told}, heading for {forecast_sum(heading, 'projected')}"


def _figures(point: Point, name: str, width: int) -> str:
    """A model's name, shortened to fit, and what is on the axes."""
    figures = f" {point.speed:,.0f}/s {money(Decimal(str(point.cost)))}"
    return column(name, width - len(figures)).rstrip() + figures


def _is_comparable(totals: Totals) -> bool:
    return bool(totals.cost and totals.total_tokens and totals.tokens_per_second)


def _by_tokens(part: Group) -> int:
    return -part.totals.total_tokens
