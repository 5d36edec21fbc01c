"""What was spent with the keys of the gateway in all; runs on the storage worker, within a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection, bindparam, func, select

from core.costs.sums import sum_of
from core.keys import GatewayKey
from core.storage.tables import calls, key_spend
from core.storage.types import dollars

__all__ = ("KeySpend", "key_spend_of")


_MEASURES = ("calls", "unknown_price_calls", "prompt_tokens", "completion_tokens", "cost", "estimated_cost")
_SPEND = select(*(sum_of(key_spend.c[name]) for name in _MEASURES)).where(
    key_spend.c.key_id == bindparam("key")
)
_LAST_USED = select(func.max(calls.c.started_at)).where(calls.c.key_id == bindparam("key"))


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


def key_spend_of(connection: Connection, keys: Sequence[GatewayKey]) -> list[KeySpend]:
    """What was spent with each of the keys in all."""
    return [_spend(connection, key.id) for key in keys]


def _spend(connection: Connection, key_id: str) -> KeySpend:
    sums = [amount or 0 for amount in connection.execute(_SPEND, {"key": key_id}).one()]
    last_used = connection.execute(_LAST_USED, {"key": key_id}).scalar()
    number, unknown, prompt, completion, cost, estimated = sums
    return KeySpend(number, unknown, prompt, completion, dollars(cost), dollars(estimated), last_used)
