"""Every price that a call was booked with, kept as it was: history is explained, never priced anew.

These functions run on the storage worker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select, text

from core.catalogue import Price, SpeechPrice
from core.storage.tables import price_rows

__all__ = ("RECKONED_BY_LITELLM", "PriceRow", "keep_price", "price_row")

RECKONED_BY_LITELLM = "litellm"
"""The price of imported calls whose cost is LiteLLM's own word; it has no rates."""

_KEEP = text(
    "INSERT INTO price_rows (id, provider, model, rates, source, valid_from) "
    "VALUES (:id, :provider, :model, :rates, :source, :valid_from) ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A price as the ledger keeps it.

    Attributes:
        rates: US dollars by what is counted: ``input``, ``output`` and ``cached_input`` per million
            tokens; ``per_audio_hour``; ``per_million_characters``; ``long_prompt`` has the rates of prompts
            above a length.
        source: where it was published.
        valid_from: the day it came into force, ISO 8601; ``None`` where that is unknown.
    """

    id: str
    provider: str
    model: str
    rates: Mapping[str, Any]
    source: str
    valid_from: str | None


def keep_price(connection: Connection, provider: str, model: str, price: Price | SpeechPrice) -> None:
    """Keep the price that a call was booked with; one that is there already stays as it is."""
    connection.execute(
        _KEEP,
        {
            "id": price.id,
            "provider": provider,
            "model": model,
            "rates": json.dumps(_rates(price), default=_digits),
            "source": price.source,
            "valid_from": price.valid_from.isoformat() if price.valid_from else None,
        },
    )


def price_row(connection: Connection, price_id: str) -> PriceRow | None:
    """The price of that id, if a call was ever booked with it."""
    if price_id == RECKONED_BY_LITELLM:
        return PriceRow(price_id, "", "", {}, "reckoned by LiteLLM", None)
    row = connection.execute(select(price_rows).where(price_rows.c.id == price_id)).one_or_none()
    if row is None:
        return None
    return PriceRow(row.id, row.provider, row.model, json.loads(row.rates), row.source, row.valid_from)


def _rates(price: Price | SpeechPrice) -> dict[str, Any]:
    if isinstance(price, SpeechPrice):
        rates: dict[str, Any] = {
            "per_audio_hour": price.per_audio_hour,
            "minimum_seconds": price.minimum_seconds or None,
            "per_million_characters": price.per_million_characters,
        }
    else:
        rates = {
            "input": price.input,
            "output": price.output,
            "cached_input": price.cached_input,
            "long_prompt": [
                {
                    "above": rate.above,
                    "input": rate.input,
                    "output": rate.output,
                    "cached_input": rate.cached_input,
                }
                for rate in price.long_prompt
            ]
            or None,
        }
    return {name: rate for name, rate in rates.items() if rate is not None}


def _digits(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no rate")
