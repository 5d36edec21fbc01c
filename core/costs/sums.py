"""Sums over rows of ``spend`` as SQL, and the totals that come of them; used wherever spend is added up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, ColumnElement, FromClause
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from core.costs.ledger_records import Totals
from core.storage.types import dollars

__all__ = ("MEASURES", "Sums", "added", "sum_of", "sums_of", "totals_of")

_SECOND = 1_000_000
"""Microseconds, in which ``spend`` keeps times."""
MEASURES = (
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
Sums = Sequence[int]
"""The values of `sums_of`, as the database has them: money and times in its units."""


class sum_of(GenericFunction[int]):  # noqa: N801 - so is SQLAlchemy's own, of which it is one
    """A sum of whole numbers that is a whole number itself, also on PostgreSQL, which makes it a decimal."""

    type = BigInteger()
    inherit_cache = True


@compiles(sum_of)
def _sum(element: sum_of, compiler: SQLCompiler, **options: object) -> str:
    return f"sum({compiler.process(element.clauses, **options)})"


@compiles(sum_of, "postgresql")
def _postgresql_sum(element: sum_of, compiler: SQLCompiler, **options: object) -> str:
    return f"CAST(sum({compiler.process(element.clauses, **options)}) AS BIGINT)"


def sums_of(source: FromClause) -> tuple[ColumnElement[int], ...]:
    """One column for each part of `Totals`; ``source`` is ``spend``, or has its measures."""
    return tuple(sum_of(source.c[name]).label(name) for name in MEASURES)


def added(parts: Iterable[Sums]) -> Sums:
    """The sums of sums; zeros where there are none."""
    return [sum(column) for column in zip(*parts, strict=True)] or [0] * len(MEASURES)


def totals_of(sums: Sums) -> Totals:
    """The totals in the values of `sums_of`; zeros where nothing was summed up."""
    (calls, turns, prompt, completion, cached, reasoning, cost, estimated_cost, unknown, estimated,
     cache_saving, timed, generation, audio, characters) = sums  # fmt: skip
    if not calls:
        return Totals()
    return Totals(
        calls,
        turns,
        prompt,
        completion,
        cached,
        reasoning,
        dollars(cost),
        dollars(estimated_cost),
        unknown,
        estimated,
        dollars(cache_saving),
        timed,
        generation / _SECOND,
        audio / _SECOND,
        characters,
    )
