"""Budgets: what may be spent in a conversation, a day, a week or a month, and what is left of it.

Pure: what was spent and what time it is come in as arguments. What keeps the limits is the gate
(``core.costs.budget_gate``), which asks this for its verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Literal

from core.costs.periods import local_midnight, month_start, week_start
from core.errors import BudgetExceeded

if TYPE_CHECKING:
    from core.settings import BudgetSettings

__all__ = (
    "SCOPES",
    "Budget",
    "BudgetPeriod",
    "Scope",
    "Standing",
    "budgets_for",
    "budgets_of",
    "has_hard_limit",
    "limits_outside_sessions",
    "period_of",
    "refusal",
    "room",
    "tightest",
)

Scope = Literal["session", "day", "week", "month", "total"]
SCOPES: tuple[Scope, ...] = ("session", "day", "week", "month")
"""What the settings can limit; ``total`` is for keys of the gateway."""


@dataclass(frozen=True, slots=True)
class Budget:
    """One limit, in US dollars: ``soft`` warns once, ``hard`` is never exceeded.

    Attributes:
        key: the prefix of the gateway's key whose own limit it is; ``None`` for one of the settings.
    """

    scope: Scope
    soft: Decimal | None = None
    hard: Decimal | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BudgetPeriod:
    """The period of a budget that counts now.

    Attributes:
        name: tells it from the others of the same budget: the day it begins, or the session.
        since: when it began; ``None`` for a session, or in total, where all calls count.
        refills_at: when the next begins; ``None`` where none does.
    """

    name: str
    since: datetime | None = None
    refills_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A budget with what has been spent of it, and what running calls may still cost."""

    budget: Budget
    period: BudgetPeriod
    spent: Decimal
    reserved: Decimal = Decimal(0)

    @property
    def left(self) -> Decimal | None:
        """What a further call may cost; ``None`` where there is no hard limit."""
        if self.budget.hard is None:
            return None
        return max(Decimal(0), self.budget.hard - self.spent - self.reserved)

    @property
    def soft_is_passed(self) -> bool:
        """Whether what has been spent calls for a warning."""
        return self.budget.soft is not None and self.spent >= self.budget.soft


def budgets_of(settings: BudgetSettings | None) -> tuple[Budget, ...]:
    """The budgets that limit anything, from the shortest to the longest."""
    if settings is None:
        return ()
    limits = [(scope, getattr(settings, scope)) for scope in SCOPES]
    return tuple(Budget(scope, limit.soft, limit.hard) for scope, limit in limits if limit.soft or limit.hard)


def budgets_for(budgets: Iterable[Budget], session_id: str | None) -> tuple[Budget, ...]:
    """Those that count for calls of a session; outside of any, calls use up no session's."""
    return tuple(budget for budget in budgets if session_id or budget.scope != "session")


def limits_outside_sessions(settings: BudgetSettings | None) -> tuple[Budget, ...]:
    """The hard limits that hold for calls which belong to no session, as a server's."""
    return tuple(budget for budget in budgets_for(budgets_of(settings), None) if budget.hard is not None)


def has_hard_limit(settings: BudgetSettings | None) -> bool:
    """Whether any call may be refused, so that each has to be asked for before it is sent."""
    return any(budget.hard is not None for budget in budgets_of(settings))


def period_of(scope: Scope, now: datetime, session_id: str | None) -> BudgetPeriod:
    """Which period of a budget a call at ``now`` in this session falls into."""
    today = now.astimezone().date()
    match scope:
        case "session" | "total":
            return BudgetPeriod(session_id or "")
        case "day":
            first, following = today, today + timedelta(days=1)
        case "week":
            first = week_start(today)
            following = first + timedelta(days=7)
        case "month":
            first, following = month_start(today), month_start(today, 1)
    return BudgetPeriod(first.isoformat(), local_midnight(first), local_midnight(following))


def tightest(standings: Iterable[Standing]) -> Standing | None:
    """The hard limit that leaves least; ``None`` where there is none."""
    hard = [standing for standing in standings if standing.left is not None]
    return min(hard, key=lambda standing: standing.left or Decimal(0), default=None)


def room(standings: Sequence[Standing]) -> Decimal | None:
    """What a call may cost within all hard limits; ``None`` where there is none."""
    limit = tightest(standings)
    return None if limit is None else limit.left


def refusal(standing: Standing, worst: Decimal | None) -> BudgetExceeded:
    """The error for a call that this limit refuses.

    Args:
        standing: the limit.
        worst: what the call may cost; ``None`` where its price is unknown.
    """
    budget, left = standing.budget, standing.left or Decimal(0)
    limit = _name_of(budget)
    if worst is None:
        message = f"{limit} cannot be kept with a call whose price is unknown."
        hint = "Ask another model, or: tensorwall config set budgets.unknown_prices allow"
        return BudgetExceeded(message, scope=budget.scope, left=left, hint=hint)
    running = f", with {_dollars(standing.reserved)} held for running calls" if standing.reserved else ""
    return BudgetExceeded(
        f"{limit} has {_dollars(left)} left{running}; this call may cost {_dollars(worst, ROUND_CEILING)}.",
        scope=budget.scope,
        left=left,
        refills_at=standing.period.refills_at,
        hint=_when_there_is_more(standing),
    )


def _name_of(budget: Budget) -> str:
    amount = _dollars(budget.hard or Decimal(0))
    period = "in total" if budget.scope == "total" else f"a {budget.scope}"
    return f"The hard limit of {amount} {period}" + (f" of the key {budget.key}…" if budget.key else "")


def _when_there_is_more(standing: Standing) -> str:
    budget = standing.budget
    if budget.key is None:
        return f"{_refill(standing)}, or raise it: tensorwall config set budgets.{budget.scope}.hard AMOUNT"
    return f"{_refill(standing)}." if standing.period.refills_at else "Ask for a key with a higher limit."


def _refill(standing: Standing) -> str:
    if standing.period.refills_at is None:
        return "Begin a new session"
    return f"It refills on {standing.period.refills_at.astimezone():%a %d %b at %H:%M}"


def _dollars(amount: Decimal, rounding: str = ROUND_FLOOR) -> str:
    """At least cents, and so many digits that no sum reads as nothing; never more than there is."""
    digits = 2 if amount >= 1 or not amount else max(2, 1 - amount.adjusted())
    return f"${amount.quantize(Decimal(1).scaleb(-digits), rounding):,f}"
