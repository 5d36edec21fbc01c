"""The budgets: what is spent of each, what is held, what is left, and when there is more."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from textual import events
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from app.cells import MUTED
from app.figures import money
from app.tui.review.context import ReviewContext
from app.tui.review.view import View
from core.costs.budgets import SCOPES, Standing, budgets_of, period_of
from core.costs.budgets import Scope as BudgetScope

__all__ = ("BudgetsView", "budget_bar")

_NAMES = {"session": "This session", "day": "Today", "week": "This week", "month": "This month"}
_NAME_WIDTH = 14
_LONGEST_BAR = 60
_NEAR = Decimal("0.8")
_HOW = (
    "F10 in the chat changes them, or: tensorwall config set budgets.day.hard 2\n"
    "A soft limit warns once. A hard limit is never passed: the most a call may cost is held until it ends."
)


class BudgetsView(View):
    """Whatever the period on screen: each budget has its own."""

    takes_scope = False
    is_exported = False

    def __init__(self, context: ReviewContext) -> None:
        super().__init__(context)
        self._standings: dict[BudgetScope, Standing] = {}

    def parts(self) -> Iterable[Widget]:
        """All in one scrolling text."""
        with VerticalScroll(classes="facts-pane"):
            yield Static(classes="facts", markup=False)

    async def load(self) -> None:
        """What the ledger says now."""
        services = self.context.services
        records = await services.records()
        session_id = self.context.session_id
        now, settings = self.context.now(), services.assistant.budgets
        standings = await records.ledger.standings(settings, session_id, now)
        not_begun = [
            Standing(budget, period_of("session", now, None), Decimal(0))
            for budget in budgets_of(settings)
            if budget.scope == "session" and session_id is None
        ]
        self._standings = {standing.budget.scope: standing for standing in [*not_begun, *standings]}
        self._show()

    def on_resize(self, _: events.Resize) -> None:
        """Bars for the width there is."""
        self._show()

    def _show(self) -> None:
        told: list[Content] = []
        for scope in SCOPES:
            standing = self._standings.get(scope)
            told += [_unlimited(scope)] if standing is None else _limited(standing, self.size.width)
            told.append(Content(""))
        self.query_one(".facts", Static).update(Content("\n").join([*told, Content.styled(_HOW, MUTED)]))


def budget_bar(standing: Standing, width: int) -> Content:
    """Spent, held for running calls, and room up to the hard limit, or without one to the soft.

    They differ in shape, not in colour alone; ``|`` is the soft limit. ``width`` is in cells.
    """
    most = standing.budget.hard or standing.budget.soft
    assert most is not None
    spent = min(width, _cells(standing.spent, most, width))
    held = min(width - spent, _cells(standing.reserved, most, width))
    tone = "$error" if standing.left == 0 else "$warning" if standing.soft_is_passed else "$success"
    room = width - spent - held
    bar = Content.assemble(("█" * spent, tone), ("▒" * held, "$warning"), ("·" * room, MUTED))
    soft = standing.budget.soft
    if soft is None or soft >= most:
        return bar
    at = min(width - 1, _cells(soft, most, width))
    return bar[:at] + Content.styled("|", "bold") + bar[at + 1 :]


def _cells(part: Decimal, whole: Decimal, width: int) -> int:
    """At least one for anything above nothing."""
    return max(1, round(part / whole * width)) if part else 0


def _unlimited(scope: BudgetScope) -> Content:
    return Content.assemble((f"{_NAMES[scope]:{_NAME_WIDTH}}", "bold"), ("no limit", MUTED))


def _limited(standing: Standing, width: int) -> list[Content]:
    budget = standing.budget
    most = budget.hard or budget.soft or Decimal(1)
    share = standing.spent / most
    amount = f"{money(standing.spent)} of {money(most)}"
    tone = "bold $error" if standing.left == 0 else "bold $warning" if share >= _NEAR else "bold"
    head = Content.assemble(
        (f"{_NAMES[budget.scope]:{_NAME_WIDTH}}", "bold"), (f"{amount:24}", tone), f"{share:>5.0%}"
    )
    room = max(8, min(_LONGEST_BAR, width - _NAME_WIDTH - 2))
    bar = Content(" " * _NAME_WIDTH) + budget_bar(standing, room)
    details = Content.styled(" " * _NAME_WIDTH + " · ".join(_details(standing)), MUTED)
    return [head, bar, details]


def _details(standing: Standing) -> list[str]:
    told = []
    if standing.left is not None:
        told.append(f"{money(standing.left)} left")
    if standing.reserved:
        told.append(f"{money(standing.reserved)} held for running calls")
    if standing.budget.soft is not None:
        told.append(f"soft limit {money(standing.budget.soft)}{' passed' if standing.soft_is_passed else ''}")
    if standing.period.refills_at is not None:
        told.append(f"anew {standing.period.refills_at.astimezone():%a %d %b %H:%M}")
    return told
