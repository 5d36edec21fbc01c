"""What has been spent of the limits of a gateway's key; runs on the storage worker, within a transaction."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, bindparam, func, literal_column, select

from core.costs.budgets import Budget, Standing, period_of
from core.costs.periods import quarter_of
from core.keys import GatewayKey
from core.storage.tables import calls, key_spend

__all__ = ("key_standings",)

# Made once: building a statement takes longer than running it.
_SPENT = select(func.sum(key_spend.c.cost)).where(
    key_spend.c.key_id == bindparam("key"), key_spend.c.quarter >= bindparam("quarter")
)
_RESERVED = select(func.sum(calls.c.reserved)).where(
    calls.c.outcome == literal_column("'running'"), calls.c.key_id == bindparam("key")
)


def key_standings(connection: Connection, key: GatewayKey, now: datetime) -> list[Standing]:
    """Every limit of a key with what has been spent of it, and what its running calls may still cost."""
    budgets = [Budget(budget.period, hard=budget.hard, key=key.prefix) for budget in key.scopes.budgets]
    if not budgets:
        return []
    reserved = connection.execute(_RESERVED, {"key": key.id}).scalar() or Decimal(0)
    standings: list[Standing] = []
    for budget in budgets:
        period = period_of(budget.scope, now, None)
        quarter = quarter_of(period.since) if period.since else 0
        spent = connection.execute(_SPENT, {"key": key.id, "quarter": quarter}).scalar() or Decimal(0)
        standings.append(Standing(budget, period, spent, reserved))
    return standings
