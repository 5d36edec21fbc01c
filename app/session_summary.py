"""What a session took, in a line for its end, and which budgets are nearly spent."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from app.figures import count, money, speed

if TYPE_CHECKING:
    from core.costs.budgets import Standing
    from core.records import Records
    from core.review import SessionSpend
    from core.settings import BudgetSettings

__all__ = ("session_summary",)

_NEAR = Decimal("0.8")
"""The part of a hard limit from which on it is told."""
_SPANS = {"session": "this session", "day": "today", "week": "this week", "month": "this month"}


async def session_summary(
    records: Records, budgets: BudgetSettings, session_id: str, since: datetime
) -> list[str]:
    """Turns, tokens, cost and speed of all the session; below it the budgets that are nearly spent.

    Returns: no line where nothing was called for the session since ``since``.

    Raises:
        StorageError: or one of its kin, when the database cannot be used.
    """
    from core.review import Scope

    page = await records.review.sessions(Scope(session_id=session_id), limit=1)
    if not page.sessions or page.sessions[0].last_at < since:
        return []
    standings = await records.ledger.standings(budgets, session_id)
    return [_summary(page.sessions[0]), *(_nearly_spent(each) for each in standings if _is_near(each))]


def _summary(session: SessionSpend) -> str:
    totals = session.totals
    parts = [
        f"{totals.turns} turn{'s' * (totals.turns != 1)}",
        f"{count(totals.total_tokens)} tokens",
        money(totals.cost, estimated=totals.estimated_cost > 0),
    ]
    if unknown := totals.unknown_price_calls:
        parts.append(f"{unknown} call{'s' * (unknown != 1)} at an unknown price")
    if session.median_speed is not None:
        parts.append(f"median {speed(session.median_speed)}")
    return " · ".join([*parts, f"session {session.id}"])


def _is_near(standing: Standing) -> bool:
    hard = standing.budget.hard
    return hard is not None and standing.spent + standing.reserved >= hard * _NEAR


def _nearly_spent(standing: Standing) -> str:
    return (
        f"budget of {_SPANS[standing.budget.scope]}: {money(standing.spent)} of "
        f"{money(standing.budget.hard)} spent, {money(standing.left)} left"
    )
