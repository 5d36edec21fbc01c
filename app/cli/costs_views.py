"""What `tensorwall costs` shows: an overview, groups, or one session; as lines, or as a report to keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, cast, get_args

from app.cli import costs_unpriced
from app.cli.costs_sort import USUAL, Sort
from app.cli.costs_tables import (
    group_lines,
    number_of,
    remarks,
    session_lines,
    session_name,
    spent,
    sum_lines,
    turn_lines,
)
from app.figures import count, forecast_sum, money
from core.costs.ledger_records import Totals
from core.costs.periods import PeriodName, period
from core.costs.price_rows import RECKONED_BY_LITELLM
from core.errors import InputError
from core.review import Detour, Dimension, Forecast, GroupOrder, Report, Scope, SessionOrder, TurnSpend

if TYPE_CHECKING:
    from core.review.report import Progress
    from core.review.review import Review
    from core.review.running import Running

__all__ = ("GroupView", "Overview", "SessionView", "View")

_SESSIONS_SHOWN = 10
_GROUPS_SHOWN = 1_000
_PERIODS: tuple[tuple[str, PeriodName], ...] = (
    ("today", "today"),
    ("this week", "week"),
    ("this month", "month"),
    ("in all", "all"),
)
_TURN_ORDERS = ("started", "cost", "tokens", "calls", "duration")


class View(Protocol):
    """One way to look at the ledger."""

    async def lines(self, review: Review, width: int | None) -> list[str]:
        """For people; none wider than ``width`` cells. Empty where nothing was spent."""

    async def report(self, review: Review, progress: Progress | None = None) -> Report:
        """For programs and spreadsheets; ``progress`` is told how much of much is read."""


@dataclass(frozen=True, slots=True)
class Overview:
    """Sums by period, the sessions, and what stands out.

    Args:
        sort: by a `SessionOrder`, the greatest first; by default last used.
        limit: sessions at most; ``None``: some on a screen, all in a report.
    """

    scope: Scope
    sort: Sort = USUAL
    limit: int | None = None

    async def lines(self, review: Review, width: int | None) -> list[str]:
        """See `View`."""
        sums = await self._sums(review)
        totals = sums[-1][1]
        at_work = _at_work(await review.running(self.scope))
        if not totals.calls:
            return at_work
        page = await review.sessions(
            self.scope,
            order=self._order,
            descending=self._descending,
            limit=self.limit or _SESSIONS_SHOWN,
        )
        more = page.count - len(page.sessions)
        return [
            *sum_lines(sums, width),
            *remarks(totals),
            *await costs_unpriced.of_scope(review, self.scope, totals),
            *at_work,
            "",
            *session_lines(page.sessions, width),
            *([f"… and {more:,} more; -n shows as many as you like."] if more else []),
            "",
            *await self._findings(review, totals),
        ]

    async def report(self, review: Review, progress: Progress | None = None) -> Report:
        """See `View`."""
        return await review.session_report(
            self.scope,
            order=self._order,
            descending=self._descending,
            limit=self.limit,
            progress=progress,
        )

    @property
    def _order(self) -> SessionOrder:
        return cast("SessionOrder", _known(self.sort.key or "last_used", get_args(SessionOrder)))

    @property
    def _descending(self) -> bool:
        return self.sort.is_descending(usually=True)

    async def _sums(self, review: Review) -> list[tuple[str, Totals]]:
        """By period, the whole last; the chosen time alone where one was chosen."""
        if self.scope.since or self.scope.until:
            return [("in that time", await review.totals(self.scope))]
        now = datetime.now(UTC)
        return [
            (label, await review.totals(replace(self.scope, since=period(name, now).since)))
            for label, name in _PERIODS
        ]

    async def _findings(self, review: Review, totals: Totals) -> list[str]:
        lines = []
        if totals.cache_saving:
            lines.append(f"Cached prompts saved {money(totals.cache_saving)}.")
        if detours := await review.detours(self.scope):
            lines.append(_detours(detours))
        if self.scope == Scope():
            lines.append(_month(await review.month_forecast()))
        return lines


@dataclass(frozen=True, slots=True)
class GroupView:
    """Sums by dimensions; sorted by a `GroupOrder`, the greatest first, or by their keys, the least first."""

    by: Sequence[Dimension]
    scope: Scope
    sort: Sort = USUAL
    limit: int | None = None

    async def lines(self, review: Review, width: int | None) -> list[str]:
        """See `View`."""
        page = await review.group_page(
            self.by,
            self.scope,
            order=self._order,
            descending=self._descending,
            limit=self.limit or _GROUPS_SHOWN,
        )
        at_work = _at_work(await review.running(self.scope))
        if not page.groups:
            return at_work
        shown = page.groups
        ids = {str(part.keys[self.by.index("session")]) for part in shown} if "session" in self.by else ()
        names = await review.key_names() if "key" in self.by else {}
        more = page.count - len(shown)
        return [
            *group_lines(self.by, shown, await review.titles([*ids]) | names, width),
            *([f"… and {more:,} more."] if more else []),
            "",
            _in_words(page.totals),
            *remarks(page.totals),
            *await costs_unpriced.of_scope(review, self.scope, page.totals),
            *at_work,
        ]

    async def report(self, review: Review, progress: Progress | None = None) -> Report:  # noqa: ARG002
        """See `View`."""
        return await review.group_report(
            self.by, self.scope, order=self._order, descending=self._descending, limit=self.limit
        )

    @property
    def _order(self) -> GroupOrder:
        return cast("GroupOrder", _known(self.sort.key or "key", get_args(GroupOrder)))

    @property
    def _descending(self) -> bool:
        return self.sort.is_descending(usually=self._order != "key")


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session's turns, each with its calls; as they started, or sorted with the greatest first."""

    session_id: str
    sort: Sort = USUAL
    limit: int | None = None

    async def lines(self, review: Review, width: int | None) -> list[str]:
        """See `View`."""
        order = _known(self.sort.key or "started", _TURN_ORDERS)
        turns = _sorted(
            await review.turns(self.session_id),
            order,
            descending=self.sort.is_descending(usually=order != "started"),
        )
        page = await review.sessions(Scope(session_id=self.session_id), limit=1)
        titles = [f"{session_name(found)} · {found.id}" for found in page.sessions]
        totals = await review.totals(Scope(session_id=self.session_id))
        shown = turns[: self.limit]
        more = len(turns) - len(shown)
        return [
            *titles,
            _in_words(totals),
            *remarks(totals),
            *_imported(turns),
            "",
            *turn_lines(shown, width),
            *([f"… and {more:,} more."] if more else []),
        ]

    async def report(self, review: Review, progress: Progress | None = None) -> Report:  # noqa: ARG002
        """See `View`."""
        if self.sort != USUAL or self.limit:
            raise InputError(
                "A session is exported whole, in the order of its calls.", hint="Leave out --sort and -n."
            )
        return await review.call_report(self.session_id)


def _known(order: str, orders: Sequence[str]) -> str:
    if order not in orders:
        raise InputError(
            f"These cannot be sorted by {order!r}.", hint=f"Sort by {', '.join(orders)}; with :asc or :desc."
        )
    return order


def _sorted(turns: Sequence[TurnSpend], order: str, *, descending: bool) -> list[TurnSpend]:
    """Of turns in the order they started; a duration that is not known comes last."""
    if order == "started":
        return list(reversed(turns)) if descending else list(turns)
    measures = [(_measure(turn, order), turn) for turn in turns]
    known = [(measure, turn) for measure, turn in measures if measure is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [turn for _, turn in known] + [turn for measure, turn in measures if measure is None]


def _measure(turn: TurnSpend, order: str) -> float | None:
    match order:
        case "cost":
            return float(turn.totals.cost)
        case "tokens":
            return turn.totals.total_tokens
        case "calls":
            return len(turn.calls)
        case _:
            return turn.duration


def _in_words(totals: Totals) -> str:
    parts = [spent(totals), f"{count(totals.total_tokens)} tokens"]
    parts += [number_of(totals.turns, "turn"), number_of(totals.calls, "call")]
    if totals.cache_saving:
        parts.append(f"{money(totals.cache_saving)} saved by caching")
    return " · ".join(parts)


def _at_work(running: Running) -> list[str]:
    """What is in no sum yet."""
    if not running.calls:
        return []
    most = f", and may cost up to {money(running.reserved)}" if running.reserved else ""
    return [f"{number_of(running.calls, 'call is', 'calls are')} running{most}: not in these sums."]


def _imported(turns: Sequence[TurnSpend]) -> list[str]:
    """Whose word it is where no price was looked up."""
    reckoned = sum(call.price_id == RECKONED_BY_LITELLM for turn in turns for call in turn.calls)
    return [f"The cost of {number_of(reckoned, 'call')} as reckoned by LiteLLM."] if reckoned else []


_KINDS = {
    "retry": ("retry", "retries"),
    "fallback": ("fallback", "fallbacks"),
    "hedge": ("hedge", "hedges"),
    "rescue": ("rescue", "rescues"),
    "speculation": ("early answer thrown away", "early answers thrown away"),
    "stopped": ("answer stopped", "answers stopped"),
    "broken": ("answer broken off", "answers broken off"),
}


def _month(heading: Forecast) -> str:
    so_far = f"{forecast_sum(heading, 'spent')} so far" if heading.spent else "nothing yet"
    by_its_end = f", some {forecast_sum(heading, 'projected')} by its end" if heading.projected else ""
    return f"This month: {so_far}{by_its_end}; last month {forecast_sum(heading, 'last_month')}."


def _detours(detours: Sequence[Detour]) -> str:
    cost = money(
        sum((each.cost for each in detours), start=detours[0].cost * 0),
        estimated=any(each.estimated_cost for each in detours),
    )
    kinds = ", ".join(number_of(each.calls, *_KINDS[each.kind]) for each in detours)
    return f"Detours cost {cost}: {kinds}."
