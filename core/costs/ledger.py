"""The ledger: one row an upstream call, in whatever way it went.

A row is inserted when its call starts and settled when it ends, both by the storage worker: whoever
makes the call never waits. Needs SQLAlchemy, so import it once a database is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Concatenate, ParamSpec

from sqlalchemy import Connection, select

from core.chat import UpstreamCall
from core.costs.booking import (
    Place,
    Priced,
    book_speech,
    book_start,
    booked_usage,
    money_values,
    priced,
    settle,
)
from core.costs.budget_gate import BudgetGate, standings
from core.costs.budget_notices import newly_passed
from core.costs.budgets import Standing, budgets_of
from core.costs.call_journal import forget_journals, journals_beside, marks_left_behind
from core.costs.crashes import adopt, left_behind, lost_calls, mark_crashed
from core.costs.ledger_records import CallRecord, Totals
from core.costs.periods import local_midnight, quarter_of
from core.costs.speech_calls import SpeechCall
from core.costs.sums import sums_of, totals_of
from core.costs.worst_case import PricedModels
from core.errors import StorageError, TensorWallError
from core.settings import BudgetSettings
from core.storage import Database
from core.storage.tables import calls, session_spend, spend

__all__ = ("Ledger", "LedgerObserver", "calls_of")

P = ParamSpec("P")

_RECORD = tuple(calls.c[field.name] for field in fields(CallRecord))


class Ledger:
    """Books every upstream call, keeps the budgets, and adds up what was spent.

    Every method raises ``StorageError`` or one of its kin when the database cannot be used.
    """

    def __init__(self, database: Database, models: PricedModels) -> None:
        self._database = database
        self._models = models

    def observer(
        self, session_id: str | None = None, message_id: str | None = None, feature: str = "chat"
    ) -> LedgerObserver:
        """What to hand to the router, so that its calls are booked to this session and message.

        Args:
            session_id: the conversation, where there is one.
            message_id: the answer the calls are for.
            feature: what the calls are for: ``chat``, ``title``, ``speculation``.
        """
        return LedgerObserver(self._database, self._models, _place(session_id, message_id, feature))

    def gate(
        self,
        budgets: BudgetSettings | None,
        session_id: str | None = None,
        message_id: str | None = None,
        feature: str = "chat",
    ) -> BudgetGate:
        """What to hand to the router beside the `observer`, so that these budgets are kept."""
        return BudgetGate(
            self._database,
            self._models,
            budgets_of(budgets),
            _place(session_id, message_id, feature),
            refuse_unknown=budgets is not None and budgets.unknown_prices == "refuse",
            recover=self.recover,
        )

    async def book_speech(self, call: SpeechCall, session_id: str | None = None) -> None:
        """Book a call that heard or spoke, once it is over."""
        await self._database.run(book_speech, call, {"session_id": session_id}, call.price)

    async def standings(
        self, budgets: BudgetSettings | None, session_id: str | None = None, now: datetime | None = None
    ) -> list[Standing]:
        """What has been spent of each budget that limits anything, in its period at ``now``."""
        return await self._database.read(standings, budgets_of(budgets), session_id, now or datetime.now(UTC))

    async def newly_passed(
        self, budgets: BudgetSettings | None, session_id: str | None = None
    ) -> list[Standing]:
        """The soft limits to warn of: those that are passed, each once in its period."""
        return await newly_passed(self._database, budgets_of(budgets), session_id)

    async def totals(self, session_id: str | None = None, since: datetime | None = None) -> Totals:
        """Exact sums over the calls of a session, or since a moment, or both, or all.

        Args:
            session_id: the conversation.
            since: its quarter of an hour counts whole.
        """
        return await self._database.read(_totals, session_id, since)

    async def today(self) -> Totals:
        """Exact sums since local midnight."""
        return await self.totals(since=local_midnight(datetime.now(UTC).astimezone().date()))

    async def rows(
        self,
        session_id: str | None = None,
        message_id: str | None = None,
        since: datetime | None = None,
        *,
        limit: int | None = None,
    ) -> list[CallRecord]:
        """Calls in the order they started, running ones included; the latest ``limit`` of them."""
        return await self._database.read(calls_of, session_id, message_id, since, limit)

    async def recover(self) -> int:
        """Settle the calls of TensorWalls that died, as ``crashed``, by estimate; how many.

        Their output is estimated from the text that was kept, so let ``Conversations.recover`` go first.
        """
        await self._adopt()
        left = await self._database.read(left_behind, self._database.is_alive)
        if not left:
            return 0
        ended = self._database.offload(lambda: [priced(self._models, call, usage) for call, usage in left])
        return await self._database.run(mark_crashed, ended)

    async def _adopt(self) -> None:
        """Make rows of the marks of processes that died, where the database is in a file."""
        database, folder = self._database, journals_beside(self._database.file)
        if folder is None:
            return
        left = await database.read(lambda _: marks_left_behind(folder, database.is_alive))
        if any(left.values()):
            await database.run(adopt, database.offload(lambda: lost_calls(self._models, left)))
        if left:
            await database.read(lambda _: forget_journals(folder, left))


class LedgerObserver:
    """Books the calls of one answer; a ``core.chat.CallObserver``.

    Attributes:
        failure: the first call that could not be booked, or ``None``.
    """

    def __init__(self, database: Database, models: PricedModels, place: Place) -> None:
        self.failure: TensorWallError | None = None
        self._database = database
        self._models = models
        self._ended: list[UpstreamCall] = []
        self._priced: dict[str, Future[Priced[UpstreamCall]]] = {}
        self._place = place

    def call_started(self, call: UpstreamCall) -> None:
        """Queue the row of a call that is about to be sent."""
        self._queue(book_start, replace(call), self._place, self._database.instance)

    def call_ended(self, call: UpstreamCall) -> None:
        """Queue the settlement of a call that is over.

        Its price is looked up by the worker before the transaction: the first look-up may import a
        price table for a quarter of a second, during which nobody else should be kept from writing.
        """
        ended = replace(call)
        self._ended.append(ended)
        self._settle(ended)

    async def cost(self) -> Decimal | None:
        """US dollars of the calls that have ended; ``None`` where one has no known price.

        Raises:
            StorageError: the database is closed.
        """
        total: Decimal | None = Decimal(0)
        for pricing in self._priced.values():
            ended = await asyncio.wrap_future(pricing)
            cost: Decimal | None = money_values(ended.usage, ended.price)["cost"]
            total = None if total is None or cost is None else total + cost
        return total

    def retry(self) -> None:
        """Book once more what could not be booked."""
        if self.failure is not None:
            self.failure = None
            for call in self._ended:
                self._settle(call)

    def _settle(self, ended: UpstreamCall) -> None:
        try:
            pricing = self._database.offload(lambda: priced(self._models, ended, booked_usage(ended)))
        except TensorWallError as error:
            self.failure = self.failure or error
        else:
            self._priced[ended.call_id] = pricing
            self._queue(settle, pricing, self._place)

    def _queue(
        self, work: Callable[Concatenate[Connection, P], None], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        try:
            self._database.submit(work, *args, **kwargs).add_done_callback(self._note)
        except TensorWallError as error:
            self.failure = self.failure or error

    def _note(self, written: Future[None]) -> None:
        error = written.exception()
        if error is None or self.failure is not None:
            return
        if not isinstance(error, TensorWallError):
            error = StorageError(f"A call could not be booked: {type(error).__name__}: {error}")
        self.failure = error


def _place(session_id: str | None, message_id: str | None, feature: str) -> Place:
    return {"session_id": session_id, "message_id": message_id, "feature": feature}


def _totals(connection: Connection, session_id: str | None, since: datetime | None) -> Totals:
    source = session_spend if since is None else spend
    query = select(*sums_of(source))
    if session_id is not None:
        query = query.where(source.c.session_id == session_id)
    if since is not None:
        query = query.where(spend.c.quarter >= quarter_of(since))
    return totals_of(connection.execute(query).one())


def calls_of(
    connection: Connection,
    session_id: str | None = None,
    message_id: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[CallRecord]:
    """See `Ledger.rows`; for those who are on the storage worker already."""
    query = select(*_RECORD).order_by(calls.c.started_at.desc(), calls.c.call_id.desc()).limit(limit)
    if session_id is not None:  # empty for the calls outside of any
        query = query.where(calls.c.session_id == session_id if session_id else calls.c.session_id.is_(None))
    if message_id is not None:
        query = query.where(calls.c.message_id == message_id)
    if since is not None:
        query = query.where(calls.c.started_at >= since)
    return [CallRecord(*row) for row in connection.execute(query)][::-1]
