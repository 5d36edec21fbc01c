"""Sets aside what a call may cost before it is sent, so that no hard limit of a budget is passed.

A reservation is the running call's own row in the ledger. One transaction reads what was spent and what
is reserved, and inserts the row; settling the call replaces its reservation by its cost. Transactions that
reserve come one after the other, in all processes on one database, so that no two of them count on the
same money.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Select,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    select,
)

from core.chat import ChatRequest, UpstreamCall
from core.costs.booking import Place, call_values, speech_values, withdraw
from core.costs.budgets import Budget, Standing, budgets_for, period_of, refusal, room, tightest
from core.costs.ledger_lock import lock_ledger
from core.costs.periods import quarter_of
from core.costs.speech_calls import SpeechCall
from core.costs.worst_case import LEAST_USEFUL_OUTPUT, PricedModels, WorstCase, worst_case
from core.errors import BudgetExceeded, StorageError
from core.storage import Database
from core.storage.tables import calls, quarter_spend, session_spend

__all__ = ("BudgetGate", "standings")

T = TypeVar("T")

_INSERT = insert(calls)


class BudgetGate:
    """A ``core.chat.CallGate`` for the calls of one answer.

    Args:
        database: holds the ledger.
        models: prices and sizes.
        budgets: the limits.
        place: what the calls belong to.
        refuse_unknown: refuse calls whose price is unknown where there is a hard limit.
        recover: settles what died; money may be held for a process that is gone.
    """

    def __init__(
        self,
        database: Database,
        models: PricedModels,
        budgets: Sequence[Budget],
        place: Place,
        *,
        refuse_unknown: bool,
        recover: Callable[[], Awaitable[int]],
    ) -> None:
        self._database = database
        self._models = models
        counting = budgets_for(budgets, place["session_id"])
        self._budgets = tuple(budget for budget in counting if budget.hard is not None)
        self._place = place
        self._refuse_unknown = refuse_unknown
        self._recover = recover

    async def admit(self, call: UpstreamCall, request: ChatRequest, output_cap: int | None) -> int | None:
        """Set aside the most that the call may cost; see ``core.chat.CallGate``."""
        if not self._budgets:
            return output_cap
        worst = self._database.offload(lambda: worst_case(self._models, call, request, output_cap))
        row = {**self._place, **call_values(call), "writer": self._database.instance}
        granted = await self._reserve(_reserve_answer, row, worst)
        return output_cap if granted is None else granted

    async def admit_speech(self, call: SpeechCall) -> None:
        """Set aside what a call that hears or speaks will cost.

        Raises:
            BudgetExceeded: a hard limit refuses the call.
            StorageError: or one of its kin: what has been spent cannot be read.
        """
        if not self._budgets:
            return
        row = {
            **speech_values(call),
            "session_id": self._place["session_id"],
            "estimated": True,
            "cost": None,
            "writer": self._database.instance,
        }
        await self._reserve(_reserve_speech, row, call.worst_cost)

    async def _reserve(
        self, reserve: Callable[[_Reservation, T], int | None], row: dict[str, Any], worst: T
    ) -> int | None:
        try:
            try:
                return await self._database.run(self._reserved, reserve, row, worst)
            except BudgetExceeded:
                if not await self._recover():
                    raise
                return await self._database.run(self._reserved, reserve, row, worst)
        except asyncio.CancelledError:
            with contextlib.suppress(StorageError):  # closed: whoever opens it next finds the call dead
                self._database.submit(withdraw, row["call_id"])
            raise

    def _reserved(
        self,
        connection: Connection,
        reserve: Callable[[_Reservation, T], int | None],
        row: dict[str, Any],
        worst: T,
    ) -> int | None:
        return reserve(_Reservation(connection, row, self._budgets, self._refuse_unknown), worst)


@dataclass(frozen=True, slots=True)
class _Reservation:
    """One try to reserve, within its transaction."""

    connection: Connection
    row: dict[str, Any]
    budgets: Sequence[Budget]
    refuse_unknown: bool

    def standings(self) -> list[Standing]:
        """What there is to spend; nobody else reserves before the transaction ends."""
        lock_ledger(self.connection)
        return standings(self.connection, self.budgets, self.row["session_id"], datetime.now(UTC))

    def keep(self, reserved: Decimal | None) -> None:
        """Insert the row; ``None`` where nobody knows what the call may cost."""
        self.connection.execute(_INSERT, {**self.row, "reserved": reserved})


def standings(
    connection: Connection, budgets: Sequence[Budget], session_id: str | None, now: datetime
) -> list[Standing]:
    """Every budget with what has been spent of it, read by one statement, so from one moment.

    Without a session there is no budget of one.
    """
    budgets = budgets_for(budgets, session_id)
    periods = [period_of(budget.scope, now, session_id) for budget in budgets]
    if not budgets:
        return []
    values: dict[str, Any] = {}
    for number, at in enumerate(periods):
        if at.since is None:
            values["session"] = at.name
        else:
            values |= {f"quarter_{number}": quarter_of(at.since), f"since_{number}": at.since}
    query = _sums(tuple(at.since is None for at in periods))
    amounts = [amount or Decimal(0) for amount in connection.execute(query, values).one()]
    return [
        Standing(budget, at, amounts[2 * number], amounts[2 * number + 1])
        for number, (budget, at) in enumerate(zip(budgets, periods, strict=True))
    ]


@cache  # since building it takes longer than running it
def _sums(of_session: tuple[bool, ...]) -> Select[Any]:
    """What is spent and what is reserved in each period: the session's, or that since a moment."""
    sums = [
        column
        for number, in_session in enumerate(of_session)
        for column in (_spent(number, in_session), _reserved(number, in_session))
    ]
    return select(*sums).where(calls.c.outcome == literal_column("'running'"))  # by its own small index


def _spent(number: int, in_session: bool) -> ScalarSelect[Any]:
    if in_session:
        of_one = select(func.sum(session_spend.c.cost))
        return of_one.where(session_spend.c.session_id == bindparam("session")).scalar_subquery()
    of_all = select(func.sum(quarter_spend.c.cost))
    return of_all.where(quarter_spend.c.quarter >= bindparam(f"quarter_{number}")).scalar_subquery()


def _reserved(number: int, in_session: bool) -> ColumnElement[Any]:
    """Of the running calls, which are few: were these conditions, they would be looked up in all calls."""
    if in_session:
        counts = calls.c.session_id == bindparam("session")
    else:
        counts = calls.c.started_at >= bindparam(f"since_{number}")
    return func.sum(case((counts, calls.c.reserved)))


def _reserve_answer(reservation: _Reservation, worst: Future[WorstCase]) -> int | None:
    """Reserve for an answer; the output cap that is granted, ``None`` for the one that was asked for."""
    case = worst.result()  # done: the worker works in order
    if case.price is None:
        _reserve_unknown(reservation)
        return None
    now = reservation.standings()
    least = min(LEAST_USEFUL_OUTPUT, case.output_tokens)
    granted = case.output_for(room(now) or Decimal(0))
    if granted < least:
        raise _refused(now, case.cost(least))
    reservation.keep(case.cost(granted))
    return None if granted == case.output_tokens else granted


def _reserve_speech(reservation: _Reservation, cost: Decimal | None) -> int | None:
    """Reserve for a call whose cost is known before it is made."""
    if cost is None:
        _reserve_unknown(reservation)
        return None
    now = reservation.standings()
    if cost > (room(now) or Decimal(0)):
        raise _refused(now, cost)
    reservation.keep(cost)
    return None


def _reserve_unknown(reservation: _Reservation) -> None:
    if reservation.refuse_unknown:
        raise _refused(reservation.standings(), None)
    reservation.keep(None)


def _refused(now: Sequence[Standing], worst: Decimal | None) -> BudgetExceeded:
    limit = tightest(now)
    assert limit is not None  # a gate has hard limits
    return refusal(limit, worst)
