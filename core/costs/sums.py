"""Sums over ``spend`` as SQL, and the totals that come of them; used wherever spend is added up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, func

from core.costs.ledger_records import Totals
from core.storage.tables import spend

__all__ = ("SUMS", "sums_of", "totals_of")

_SECOND = 1_000_000
"""Microseconds, in which ``spend`` keeps times."""
_MEASURES = (
    "calls",
    "turns",
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
"""In the order of the fields of `Totals`."""


def sums_of(source: FromClause) -> tuple[ColumnElement[Any], ...]:
    """One column for each part of `Totals`; ``source`` is ``spend``, or has its measures."""
    return tuple(func.sum(source.c[name]).label(name) for name in _MEASURES)


SUMS = sums_of(spend)


def totals_of(sums: Sequence[Any]) -> Totals:
    """The totals in the values of `SUMS`; zeros where nothing was summed up."""
    (calls, turns, prompt, completion, cached, reasoning, cost, estimated_cost, unknown, estimated,
     cache_saving, timed, generation, audio, characters) = sums  # fmt: skip
    if not calls:
        return Totals()
    return Totals(
        int(calls),
        int(turns),
        int(prompt),
        int(completion),
        int(cached),
        int(reasoning),
        cost,
        estimated_cost,
        int(unknown),
        int(estimated),
        cache_saving,
        int(timed),
        int(generation) / _SECOND,
        int(audio) / _SECOND,
        int(characters),
    )
