"""The ledger: one row an upstream call, in whatever way it went.

A row is inserted when its call starts and settled when it ends, both by the storage worker: whoever
makes the call never waits. Needs SQLAlchemy, so import it once a database is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import fields, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection, bindparam, case, func, insert, select, update

from core.catalogue import Price
from core.chat import UpstreamCall, Usage
from core.costs.ledger_records import CallRecord, Totals
from core.costs.speech_calls import SpeechCall
from core.costs.tokens import tokens_of_length
from core.errors import StorageError, TensorWallError
from core.storage import Database
from core.storage.tables import calls, messages

__all__ = (
    "CallRecord",
    "Ledger",
    "LedgerObserver",
    "PriceList",
    "Totals",
    "booked_usage",
    "calls_of",
    "local_midnight",
)

P = ParamSpec("P")
Call = TypeVar("Call", UpstreamCall, CallRecord)

_RECORD = tuple(calls.c[field.name] for field in fields(CallRecord))
_INSERT = insert(calls)  # made once, as the next one: building a statement takes longer than running it
_SETTLE = update(calls).where(calls.c.call_id == bindparam("settled"))
_ERROR_LIMIT = 2_000


class PriceList(Protocol):
    """Where prices come from; ``core.catalogue.Catalogue`` is one."""

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        """The price of a model at a time, or ``None`` where it is unknown."""


class Ledger:
    """Books every upstream call, and adds up what they cost.

    Every method raises ``StorageError`` or one of its kin when the database cannot be used.
    """

    def __init__(self, database: Database, prices: PriceList) -> None:
        self._database = database
        self._prices = prices

    def observer(
        self, session_id: str | None = None, message_id: str | None = None, feature: str = "chat"
    ) -> LedgerObserver:
        """What to hand to the router, so that its calls are booked to this session and message.

        Args:
            session_id: the conversation, where there is one.
            message_id: the answer the calls are for.
            feature: what the calls are for: ``chat``, ``title``, ``speculation``.
        """
        return LedgerObserver(self._database, self._prices, session_id, message_id, feature)

    async def book_speech(self, call: SpeechCall, session_id: str | None = None) -> None:
        """Book a call that heard or spoke, once it is over."""
        await self._database.run(_insert_speech, call, session_id)

    async def totals(self, session_id: str | None = None, since: datetime | None = None) -> Totals:
        """Exact sums over the calls of a session, or since a moment, or both, or all."""
        return await self._database.read(_totals, session_id, since)

    async def today(self) -> Totals:
        """Exact sums since local midnight."""
        return await self.totals(since=local_midnight())

    async def rows(
        self,
        session_id: str | None = None,
        message_id: str | None = None,
        since: datetime | None = None,
        *,
        limit: int | None = None,
    ) -> list[CallRecord]:
        """Calls in the order they started, running ones included."""
        return await self._database.read(calls_of, session_id, message_id, since, limit)

    async def recover(self) -> int:
        """Settle the calls of TensorWalls that died, as ``crashed``, by estimate; how many.

        Their output is estimated from the text that was kept, so let ``Conversations.recover`` go first.
        """
        left = await self._database.read(_left_behind, self._database.is_alive)
        if not left:
            return 0
        priced = self._database.offload(lambda: [_priced(self._prices, call, usage) for call, usage in left])
        return await self._database.run(_mark_crashed, priced)


class LedgerObserver:
    """Books the calls of one answer; a ``core.chat.CallObserver``.

    Attributes:
        failure: the first call that could not be booked, or ``None``.
    """

    def __init__(
        self,
        database: Database,
        prices: PriceList,
        session_id: str | None,
        message_id: str | None,
        feature: str,
    ) -> None:
        self.failure: TensorWallError | None = None
        self._database = database
        self._prices = prices
        self._ended: list[UpstreamCall] = []
        self._priced: dict[str, Future[tuple[UpstreamCall, Usage, Price | None]]] = {}
        self._place = {"session_id": session_id, "message_id": message_id, "feature": feature}

    def call_started(self, call: UpstreamCall) -> None:
        """Queue the row of a call that is about to be sent."""
        self._queue(_insert_started, replace(call), self._place, self._database.instance)

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
        for priced in self._priced.values():
            _, usage, price = await asyncio.wrap_future(priced)
            cost: Decimal | None = _money(usage, price)["cost"]
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
            priced = self._database.offload(
                lambda: _priced(self._prices, ended, booked_usage(ended))  # before the transaction
            )
        except TensorWallError as error:
            self.failure = self.failure or error
        else:
            self._priced[ended.call_id] = priced
            self._queue(_settle, priced, self._place)

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


def booked_usage(call: UpstreamCall) -> Usage:
    """The tokens to book for a call that is over.

    What the provider reported counts. Where it never did, a call that failed before it gave anything
    used nothing, and one that was cut off is estimated from its prompt and from what arrived: a
    chunk is usually one token, and where chunks are larger their characters tell.
    """
    if call.usage is not None:
        return call.usage
    if call.outcome == "failed" and not call.output_characters:
        return Usage()
    return Usage(
        prompt_tokens=call.prompt_tokens_estimate,
        completion_tokens=max(call.output_chunks, tokens_of_length(call.output_characters)),
        estimated=True,
    )


def local_midnight(day: date | None = None) -> datetime:
    """When the day (today) began on this machine's clock, in UTC."""
    day = day or datetime.now(UTC).astimezone().date()
    return datetime.combine(day, time.min).astimezone(UTC)


def _priced(prices: PriceList, call: Call, usage: Usage) -> tuple[Call, Usage, Price | None]:
    return call, usage, prices.price(call.provider, call.model, call.started_at)


def _insert_started(
    connection: Connection, call: UpstreamCall, place: dict[str, str | None], instance: str
) -> None:
    """The row of a running call: its prompt by estimate, so that a crash still leaves that."""
    usage = Usage(prompt_tokens=call.prompt_tokens_estimate, estimated=True)
    connection.execute(_INSERT, {**place, **_columns(call, usage), "writer": instance})


def _settle(
    connection: Connection,
    priced: Future[tuple[UpstreamCall, Usage, Price | None]],
    place: dict[str, str | None],
) -> None:
    """Make the row final; inserted now where its start could not be booked."""
    call, usage, price = priced.result()  # done: the worker works in order
    values = {**_columns(call, usage), **_money(usage, price), "writer": None}
    if connection.execute(_SETTLE, {"settled": call.call_id, **values}).rowcount == 0:
        connection.execute(_INSERT, {**place, **values})


def _insert_speech(connection: Connection, call: SpeechCall, session_id: str | None) -> None:
    """Its tokens are none; that a call was given up is what makes its cost an estimate."""
    connection.execute(
        _INSERT,
        {
            "call_id": call.call_id,
            "session_id": session_id,
            "feature": call.feature,
            "route": call.model,
            "provider": call.provider,
            "model": call.model,
            "reason": call.feature,
            "started_at": call.started_at,
            "outcome": call.outcome,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "cached_tokens": 0,
            "reasoning_tokens": 0,
            "estimated": call.outcome == "cancelled",
            "cost": call.cost,
            "price_id": call.price_id,
            "duration": call.duration,
            "error": call.error[:_ERROR_LIMIT] if call.error else None,
            "error_type": call.error_type,
            "request_id": call.request_id,
        },
    )


def _columns(call: UpstreamCall, usage: Usage) -> dict[str, Any]:
    return {
        "call_id": call.call_id,
        "route": call.route,
        "provider": call.provider,
        "model": call.model,
        "reason": call.reason,
        "started_at": call.started_at,
        "outcome": call.outcome,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "estimated": usage.estimated,
        "first_token": call.first_token,
        "first_content": call.first_content,
        "duration": call.duration,
        "queue_time": usage.queue_time,
        "prompt_time": usage.prompt_time,
        "completion_time": usage.completion_time,
        "finish_reason": call.finish_reason,
        "error": call.error[:_ERROR_LIMIT] if call.error else None,
        "error_type": call.error_type,
        "request_id": call.request_id,
    }


def _money(usage: Usage, price: Price | None) -> dict[str, Any]:
    if price is not None:
        return {"cost": price.cost(usage), "price_id": price.id}
    return {"cost": None if usage.total_tokens else Decimal(0), "price_id": None}


def _totals(connection: Connection, session_id: str | None, since: datetime | None) -> Totals:
    unknown = case((calls.c.cost.is_(None), 1), else_=0)
    query = select(
        func.count(),
        func.sum(calls.c.prompt_tokens),
        func.sum(calls.c.completion_tokens),
        func.sum(calls.c.cached_tokens),
        func.sum(calls.c.reasoning_tokens),
        func.sum(calls.c.cost),
        func.sum(case((calls.c.estimated, calls.c.cost))),
        func.sum(unknown),
    ).where(calls.c.outcome != "running")
    if session_id is not None:
        query = query.where(calls.c.session_id == session_id)
    if since is not None:
        query = query.where(calls.c.started_at >= since)
    row = connection.execute(query).one()
    prompt, completion, cached, reasoning = (int(tokens or 0) for tokens in row[1:5])
    return Totals(
        calls=row[0],
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        reasoning_tokens=reasoning,
        cost=row[5] or Decimal(0),
        estimated_cost=row[6] or Decimal(0),
        unknown_price_calls=int(row[7] or 0),
    )


def calls_of(
    connection: Connection,
    session_id: str | None = None,
    message_id: str | None = None,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[CallRecord]:
    """See `Ledger.rows`; for those who are on the storage worker already."""
    query = select(*_RECORD).order_by(calls.c.started_at, calls.c.call_id).limit(limit)
    if session_id is not None:
        query = query.where(calls.c.session_id == session_id)
    if message_id is not None:
        query = query.where(calls.c.message_id == message_id)
    if since is not None:
        query = query.where(calls.c.started_at >= since)
    return [CallRecord(*row) for row in connection.execute(query)]


def _left_behind(connection: Connection, is_alive: Callable[[str], bool]) -> list[tuple[CallRecord, Usage]]:
    """Calls of dead writers, with an estimate of what they used.

    Of several calls for one answer the last one wrote the text that was kept.
    """
    running = calls.c.outcome == "running"
    writers = connection.execute(select(calls.c.writer).where(running).distinct()).scalars()
    dead = [writer for writer in writers if not is_alive(writer)]
    query = select(*_RECORD).where(running, calls.c.writer.in_(dead)).order_by(calls.c.started_at)
    left = [CallRecord(*row) for row in connection.execute(query)]
    last = {call.message_id: call.call_id for call in left}
    kept = select(messages.c.id, func.length(messages.c.text), func.length(messages.c.reasoning)).where(
        messages.c.id.in_([message_id for message_id in last if message_id])
    )
    characters = {row[0]: row[1] + (row[2] or 0) for row in connection.execute(kept)}
    return [
        (
            call,
            Usage(
                prompt_tokens=call.prompt_tokens,
                completion_tokens=tokens_of_length(characters.get(call.message_id, 0))
                if last[call.message_id] == call.call_id
                else 0,
                estimated=True,
            ),
        )
        for call in left
    ]


def _mark_crashed(
    connection: Connection, priced: Future[list[tuple[CallRecord, Usage, Price | None]]]
) -> int:
    """Settle what another TensorWall has not settled in the meantime; how many."""
    return sum(
        connection.execute(
            update(calls)
            .where(calls.c.call_id == call.call_id, calls.c.outcome == "running")
            .values(
                outcome="crashed",
                writer=None,
                completion_tokens=usage.completion_tokens,
                **_money(usage, price),
            )
        ).rowcount
        for call, usage, price in priced.result()
    )
