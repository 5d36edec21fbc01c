"""How calls become rows of the ledger; these functions run on the storage worker, each in a transaction."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, bindparam, delete, insert, update

from core.catalogue import Price, SpeechPrice
from core.chat import UpstreamCall, Usage
from core.costs.booked_usage import booked_usage
from core.costs.ledger_lock import lock_ledger
from core.costs.ledger_records import CallRecord
from core.costs.price_rows import keep_price
from core.costs.speech_calls import SpeechCall
from core.storage.tables import calls

__all__ = (
    "Place",
    "PriceList",
    "Priced",
    "book_speech",
    "book_start",
    "booked_usage",
    "call_values",
    "ended_values",
    "final_values",
    "money_values",
    "priced",
    "settle",
    "speech_values",
    "withdraw",
)

Call = TypeVar("Call", UpstreamCall, CallRecord)
Place = Mapping[str, str | None]
"""What a call belongs to: ``session_id``, ``message_id`` and ``feature``."""

# Made once: building a statement takes longer than running it.
_INSERT = insert(calls)
_UPDATE = update(calls).where(calls.c.call_id == bindparam("booked"))
_ERROR_LIMIT = 2_000


class PriceList(Protocol):
    """Where prices come from; ``core.catalogue.Catalogue`` is one."""

    def price(self, provider: str, model: str, at: datetime) -> Price | None:
        """The price of a model at a time, or ``None`` where it is unknown."""


@dataclass(frozen=True, slots=True)
class Priced(Generic[Call]):
    """A call that is over, what it used, and the price of that."""

    call: Call
    usage: Usage
    price: Price | None


def priced(prices: PriceList, call: Call, usage: Usage) -> Priced[Call]:
    """Look up what a call costs; outside of a transaction, since the first look-up may take 0.2 s."""
    return Priced(call, usage, prices.price(call.provider, call.model, call.started_at))


def book_start(connection: Connection, call: UpstreamCall, place: Place, writer: str) -> None:
    """The row of a running call: its prompt by estimate, so that a crash still leaves that.

    A call that money was set aside for has its row already, and is told what it belongs to.
    """
    if connection.execute(_UPDATE, {"booked": call.call_id, **place}).rowcount == 0:
        connection.execute(_INSERT, {**place, **call_values(call), "writer": writer})


def settle(connection: Connection, ended: Future[Priced[UpstreamCall]], place: Place) -> None:
    """Make the row final; inserted now where its start could not be booked."""
    call, usage, price = ended.result().call, ended.result().usage, ended.result().price
    lock_ledger(connection)
    ending = ended_values(call, usage, price)
    if connection.execute(_UPDATE, {"booked": call.call_id, **ending}).rowcount == 0:
        connection.execute(_INSERT, {**place, **call_values(call), **ending})
    if price is not None:
        keep_price(connection, call.provider, call.model, price)


def book_speech(connection: Connection, call: SpeechCall, place: Place, price: SpeechPrice | None) -> None:
    """The row of a call that heard or spoke and is over."""
    lock_ledger(connection)
    values = {**speech_values(call), **place, "writer": None}
    if connection.execute(_UPDATE, {"booked": call.call_id, **values}).rowcount == 0:
        connection.execute(_INSERT, values)
    if price is not None:
        keep_price(connection, call.provider, call.model, price)


def withdraw(connection: Connection, call_id: str) -> None:
    """Forget a call that money was set aside for and that was never sent."""
    connection.execute(delete(calls).where(calls.c.call_id == call_id, calls.c.outcome == "running"))


def call_values(call: UpstreamCall) -> dict[str, Any]:
    """The columns of a call that runs: its prompt is an estimate, and nothing else is known."""
    return {
        **_origin(call),
        "outcome": "running",
        "prompt_tokens": call.prompt_tokens_estimate,
        "completion_tokens": 0,
        "cached_tokens": 0,
        "reasoning_tokens": 0,
        "estimated": True,
    }


def final_values(ended: Priced[UpstreamCall], place: Place) -> dict[str, Any]:
    """All columns of a call that is over and has no row yet."""
    return {**place, **_origin(ended.call), **ended_values(ended.call, ended.usage, ended.price)}


def ended_values(call: UpstreamCall, usage: Usage, price: Price | None) -> dict[str, Any]:
    """The columns that a call's end changes; the others are in indexes, which had to be written again."""
    return {**_course(call, usage), **money_values(usage, price), "writer": None}


def _origin(call: UpstreamCall) -> dict[str, Any]:
    """What is so from the call's start on."""
    return {
        "call_id": call.call_id,
        "route": call.route,
        "provider": call.provider,
        "model": call.model,
        "reason": call.reason,
        "role": call.role,
        "started_at": call.started_at,
    }


def _course(call: UpstreamCall, usage: Usage) -> dict[str, Any]:
    return {
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


def money_values(usage: Usage, price: Price | None) -> dict[str, Any]:
    """What the tokens cost, by which price, and what caching saved."""
    if price is not None:
        return {"cost": price.cost(usage), "price_id": price.id, "cache_saving": price.cache_saving(usage)}
    return {"cost": None if usage.total_tokens else Decimal(0), "price_id": None, "cache_saving": None}


def speech_values(call: SpeechCall) -> dict[str, Any]:
    """A speech call's columns: no tokens; that it was given up is what makes its cost an estimate."""
    return {
        "call_id": call.call_id,
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
        "audio_seconds": call.seconds or None,
        "characters": call.characters or None,
        "estimated": call.outcome == "cancelled",
        "cost": call.cost,
        "price_id": call.price.id if call.price else None,
        "duration": call.duration,
        "error": call.error[:_ERROR_LIMIT] if call.error else None,
        "error_type": call.error_type,
        "request_id": call.request_id,
    }
