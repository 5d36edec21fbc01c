"""Warnings of soft limits: each is given once for each period, whichever process notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, select, text

from core.costs.budget_gate import standings
from core.costs.budgets import Budget, Standing
from core.storage import Database
from core.storage.tables import budget_notices

__all__ = ("newly_passed",)

_TELL = text(
    "INSERT INTO budget_notices (budget, period, told_at) VALUES (:budget, :period, :told_at) "
    "ON CONFLICT DO NOTHING"
)


async def newly_passed(
    database: Database, budgets: Sequence[Budget], session_id: str | None
) -> list[Standing]:
    """The soft limits that are passed and were not told yet; they count as told from now on.

    Raises:
        StorageError: or one of its kin, when the database cannot be used.
    """
    soft = [budget for budget in budgets if budget.soft is not None]
    if not soft:
        return []
    now = datetime.now(UTC)
    untold = await database.read(_untold, soft, session_id, now)
    return await database.run(_tell, untold, now) if untold else []


def _untold(
    connection: Connection, budgets: Sequence[Budget], session_id: str | None, now: datetime
) -> list[Standing]:
    passed = [
        standing for standing in standings(connection, budgets, session_id, now) if standing.soft_is_passed
    ]
    return [standing for standing in passed if not _is_told(connection, standing)]


def _is_told(connection: Connection, standing: Standing) -> bool:
    told = select(budget_notices.c.told_at).where(
        budget_notices.c.budget == _name(standing), budget_notices.c.period == standing.period.name
    )
    return connection.execute(told).first() is not None


def _tell(connection: Connection, untold: Sequence[Standing], now: datetime) -> list[Standing]:
    """Those that nobody else has told in the meantime."""
    microseconds = int(now.timestamp() * 1_000_000)
    return [
        standing
        for standing in untold
        if connection.execute(
            _TELL,
            {"budget": _name(standing), "period": standing.period.name, "told_at": microseconds},
        ).rowcount
    ]


def _name(standing: Standing) -> str:
    """With its amount: a limit that was raised is told again once it is passed."""
    return f"{standing.budget.scope} {standing.budget.soft}"
