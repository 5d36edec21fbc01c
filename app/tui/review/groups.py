"""Spend by model, provider, route, and whatever else calls have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar

from textual import events, on
from textual.binding import BindingType
from textual.content import Content
from textual.getters import query_one
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from app.cells import one_line
from app.figures import count
from app.tui.review.choices import Choice, Choices
from app.tui.review.context import ReviewContext
from app.tui.review.keys import GROUPS
from app.tui.review.model_names import short_names
from app.tui.review.spend_words import TotalsLine, cost_of, nothing_in
from app.tui.review.table import Cell, Column, Row, Table, column_widths
from app.tui.review.view import View
from core.costs.ledger_records import Totals
from core.review import DIMENSIONS, Dimension, Group, Scope
from core.review.report import Progress, Report
from core.review.scope import FILTER_FIELDS, exactly

__all__ = ("GroupsView", "share_bar")

_TIMES: tuple[Dimension, ...] = ("day", "week", "month")
_WIDE = 110
_SHARE = 6
_COLUMNS = (
    Column("", 20),
    Column("Calls", 6, right=True),
    Column("Tokens", 6, right=True),
    Column("Cached", 6, right=True),
    Column("Cost", 11, right=True),
    Column("Tok/s", 5, right=True),
    Column("Share"),
)
_BLOCKS = " ▏▎▍▌▋▊▉█"


class GroupsView(View):
    """The dearest first; days, weeks and months the latest first."""

    BINDINGS: ClassVar[list[BindingType]] = GROUPS

    table = query_one(Table)
    by = query_one(Choices)

    @dataclass
    class FilterWanted(Message):
        """Show the sessions of this group; ``text`` is what to filter by besides."""

        text: str

    def __init__(self, context: ReviewContext, scope: Scope) -> None:
        super().__init__(context, scope)
        self._groups: list[Group] = []
        self._totals = Totals()
        self._names: Mapping[str, str] = {}

    def parts(self) -> Iterable[Widget]:
        """What to group by, the table, the sums."""
        yield Choices([Choice(by, by.capitalize()) for by in DIMENSIONS if by != "session"], "model")
        yield Table(_COLUMNS)
        yield Static(classes="empty", markup=False)
        yield TotalsLine()

    async def load(self) -> None:
        """The groups, and the sums over all of them."""
        by = self._dimension
        review = await self.context.review()
        groups = await review.groups([by], self.scope)
        totals = await review.totals(self.scope)
        names = await self._names_of(groups, by)
        if by != self._dimension:
            return
        self._names = names
        self._groups, self._totals = _sorted(groups, by), totals
        self.set_class(not groups, "-empty")
        self.query_one(".empty", Static).update(nothing_in(self.scope))
        self._show()
        self.query_one(TotalsLine).show(totals)

    async def report(self, progress: Progress | None = None) -> Report:  # noqa: ARG002
        """The groups, to be written down."""
        return await (await self.context.review()).group_report([self._dimension], self.scope)

    def on_resize(self, _: events.Resize) -> None:
        """Bars for the width there is."""
        self.call_after_refresh(self._show)

    def _show(self) -> None:
        width = self.table.row_width
        name = Column(self.by.active.capitalize(), 38 if width >= _WIDE else 20)
        self.table.columns = (name, *_COLUMNS[1:])
        bar = column_widths(self.table.columns, width)[-1] - _SHARE
        self.table.show([_row(part, self._called(part), self._totals.cost, bar) for part in self._groups])

    def _called(self, part: Group) -> str:
        """What a group is called."""
        (key,), by = part.keys, self._dimension
        if isinstance(key, date):
            return _date_name(key, by)
        return one_line(self._names.get(key, key)) or ("(without a key)" if by == "key" else "(none)")

    async def _names_of(self, groups: Sequence[Group], by: Dimension) -> Mapping[str, str]:
        """Of keys that people know by other names than the ledger."""
        if by == "key":
            return await (await self.context.review()).key_names()
        return short_names(str(part.keys[0]) for part in groups) if by == "model" else {}

    @property
    def _dimension(self) -> Dimension:
        return next(by for by in DIMENSIONS if by == self.by.active)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Sessions cannot be filtered by everything."""
        return self.by.active in FILTER_FIELDS if action == "open" and self.is_mounted else True

    def action_choose(self, step: int) -> None:
        """Group by the next one."""
        self._group_by(self.by.neighbour(step))

    @on(Choices.Chosen)
    def _chosen(self, event: Choices.Chosen) -> None:
        event.stop()
        self._group_by(event.value)

    def _group_by(self, by: str) -> None:
        self.by.active = by
        self.refresh_bindings()
        self.table.home()
        self.reload()

    @on(Table.Chosen)
    def action_open(self) -> None:
        """Show the sessions that this group's calls are of."""
        if (row := self.table.current) is not None and self.by.active in FILTER_FIELDS:
            self.post_message(self.FilterWanted(exactly(self.by.active, row.key)))


def share_bar(part: Decimal, whole: Decimal, width: int) -> str:
    """A part of a whole in per cent, and as a bar of eighths of cells."""
    share = part / whole if whole else Decimal(0)
    full, rest = divmod(round(share * max(0, width) * 8), 8)
    return f"{share:>4.0%}  {'█' * full}{_BLOCKS[rest] if rest else ''}"


def _sorted(groups: Sequence[Group], by: Dimension) -> list[Group]:
    if by in _TIMES:
        return list(reversed(groups))
    return sorted(groups, key=lambda part: (part.totals.cost, part.totals.calls), reverse=True)


def _row(part: Group, name: str, whole: Decimal, bar: int) -> Row:
    totals = part.totals
    speed = totals.tokens_per_second
    cached = totals.cached_tokens / totals.prompt_tokens if totals.prompt_tokens else None
    cells: tuple[Cell, ...] = (
        name,
        count(totals.calls),
        count(totals.total_tokens),
        "-" if cached is None else f"{cached:.0%}",
        cost_of(totals),
        "-" if speed is None else count(round(speed)),
        Content.styled(share_bar(totals.cost, whole, bar), "$primary"),
    )
    return Row(str(part.keys[0]), cells)


def _date_name(key: date, by: Dimension) -> str:
    match by:
        case "month":
            return f"{key:%B %Y}"
        case "week":
            return f"week of {key:%d %b %Y}"
        case _:
            return f"{key:%a %d %b %Y}"
