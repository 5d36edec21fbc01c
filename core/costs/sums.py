"""Sums over ``spend`` as SQL, and the totals that come of them; used wherever spend is added up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func

from core.costs.ledger_records import Totals
from core.storage.tables import spend

__all__ = ("SUMS", "totals_of")

_SECOND = 1_000_000
"""Microseconds, in which ``spend`` keeps times."""
_ANSWERS = (spend.c.feature == "chat") & (spend.c.role == "first")

SUMS: tuple[ColumnElement[Any], ...] = (
    func.sum(spend.c.calls).label("calls"),
    func.sum(case((_ANSWERS, spend.c.calls), else_=0)).label("turns"),
    *(
        func.sum(spend.c[name]).label(name)
        for name in (
            "prompt_tokens",
            "completion_tokens",
            "cached_tokens",
            "reasoning_tokens",
            "cost",
            "estimated_cost",
            "unknown_price_calls",
            "estimated_calls",
            "cache_saving",
            "timed_tokens",
            "generation_time",
            "audio_time",
            "characters",
        )
    ),
)
"""One for each part of `Totals`."""


def totals_of(row: Row[Any]) -> Totals:
    """The totals in a row that has `SUMS`; zeros where nothing was summed up."""
    return Totals(
        calls=int(row.calls or 0),
        turns=int(row.turns or 0),
        prompt_tokens=int(row.prompt_tokens or 0),
        completion_tokens=int(row.completion_tokens or 0),
        cached_tokens=int(row.cached_tokens or 0),
        reasoning_tokens=int(row.reasoning_tokens or 0),
        cost=row.cost or Decimal(0),
        estimated_cost=row.estimated_cost or Decimal(0),
        unknown_price_calls=int(row.unknown_price_calls or 0),
        estimated_calls=int(row.estimated_calls or 0),
        cache_saving=row.cache_saving or Decimal(0),
        timed_tokens=int(row.timed_tokens or 0),
        generation_seconds=int(row.generation_time or 0) / _SECOND,
        audio_seconds=int(row.audio_time or 0) / _SECOND,
        characters=int(row.characters or 0),
    )
