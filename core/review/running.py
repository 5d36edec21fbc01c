"""Calls that run right now: they are in no sum yet; these functions run on the storage worker."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, func, select

from core.review.scope import Scope, conditions
from core.storage.tables import calls

__all__ = ("Running", "running")


@dataclass(frozen=True, slots=True)
class Running:
    """Calls that have not ended.

    Attributes:
        reserved: US dollars that they may cost at most, as far as a hard limit had that set aside.
    """

    calls: int
    reserved: Decimal


def running(connection: Connection, scope: Scope) -> Running:
    """The calls in the scope that run."""
    query = select(func.count(), func.sum(calls.c.reserved)).where(
        calls.c.outcome == "running", *conditions(connection, scope, calls)
    )
    number, reserved = connection.execute(query).one()
    return Running(int(number), reserved or Decimal(0))
