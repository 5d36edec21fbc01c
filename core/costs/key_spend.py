"""What was spent with a key of the gateway, and what its budgets have left.

These functions run on the storage worker; who reserves for a call asks within the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, func, literal_column, select

from core.costs.budgets import BudgetPeriod, period_of
from core.costs.periods import quarter_of
from core.costs.sums import sum_of
from core.keys import GatewayKey, KeyBudget
from core.storage.tables import calls, key_spend
from core.storage.types import dollars

__all__ = ("KeySpend", "KeyStanding", "key_spend_of", "key_standings")


@dataclass(frozen=True, slots=True)
class KeyStanding:
    """A budget of a key with what has been spent of it, and what running calls may still cost."""

    budget: KeyBudget
    period: BudgetPeriod
    spent: Decimal
    reserved: Decimal

    @property
    def left(self) -> Decimal:
        """What a further call may cost."""
        return max(Decimal(0), self.budget.hard - self.spent - self.reserved)


@dataclass(frozen=True, slots=True)
class KeySpend:
    """Exact sums over the calls of a key that have ended; money in US dollars, see ``Totals``.

    Attributes:
        last_used: when the last of its calls started, running ones included.
    """

    calls: int
    unknown_price_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal
    estimated_cost: Decimal
    last_used: datetime | None


def key_standings(connection: Connection, key: GatewayKey, now: datetime) -> list[KeyStanding]:
    """Every budget of the key in its period at ``now``, read by one statement, so from one moment."""
    budgets = key.scopes.budgets
    if not budgets:
        return []
    periods = [_period(budget, now) for budget in budgets]
    values: dict[str, Any] = {"key": key.id}
    for number, period in enumerate(periods):
        if period.since is not None:
            values |= {f"quarter_{number}": quarter_of(period.since), f"since_{number}": period.since}
    query = _sums(tuple(period.since is None for period in periods))
    amounts = [amount or Decimal(0) for amount in connection.execute(query, values).one()]
    return [
        KeyStanding(budget, period, amounts[2 * number], amounts[2 * number + 1])
        for number, (budget, period) in enumerate(zip(budgets, periods, strict=True))
    ]


def key_spend_of(connection: Connection, keys: Sequence[GatewayKey]) -> list[KeySpend]:
    """What was spent with each of the keys in all."""
    return [_spend(connection, key.id) for key in keys]


def _period(budget: KeyBudget, now: datetime) -> BudgetPeriod:
    return BudgetPeriod("total") if budget.period == "total" else period_of(budget.period, now, None)


@cache  # since building it takes longer than running it
def _sums(is_total: tuple[bool, ...]) -> Select[Any]:
    """What is spent and what is reserved in each period, as ``core.costs.budget_gate`` has it."""
    columns: list[Any] = []
    for number, of_all in enumerate(is_total):
        spent = select(func.sum(key_spend.c.cost)).where(key_spend.c.key_id == bindparam("key"))
        counts = calls.c.key_id == bindparam("key")
        if not of_all:
            spent = spent.where(key_spend.c.quarter >= bindparam(f"quarter_{number}"))
            counts &= calls.c.started_at >= bindparam(f"since_{number}")
        columns += [spent.scalar_subquery(), func.sum(case((counts, calls.c.reserved)))]
    return select(*columns).where(calls.c.outcome == literal_column("'running'"))  # by its own small index


_MEASURES = ("calls", "unknown_price_calls", "prompt_tokens", "completion_tokens", "cost", "estimated_cost")
_SPEND = select(*(sum_of(key_spend.c[name]) for name in _MEASURES)).where(
    key_spend.c.key_id == bindparam("key")
)
_LAST_USED = select(func.max(calls.c.started_at)).where(calls.c.key_id == bindparam("key"))


def _spend(connection: Connection, key_id: str) -> KeySpend:
    sums = [amount or 0 for amount in connection.execute(_SPEND, {"key": key_id}).one()]
    last_used = connection.execute(_LAST_USED, {"key": key_id}).scalar()
    number, unknown, prompt, completion, cost, estimated = sums
    return KeySpend(number, unknown, prompt, completion, dollars(cost), dollars(estimated), last_used)
