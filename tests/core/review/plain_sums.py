"""The sums of the review once more, in plain Python over the rows of the ledger, to hold it against."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.costs.ledger_records import CallRecord, Totals
from core.review import Dimension

__all__ = ("ended", "grouped", "key_of", "same", "summed")


def ended(rows: Iterable[CallRecord]) -> list[CallRecord]:
    return [row for row in rows if row.outcome != "running"]


def key_of(row: CallRecord, dimension: Dimension) -> Any:
    """What a call is counted under."""
    day = row.started_at.astimezone().date()
    match dimension:
        case "session":
            return row.session_id or ""
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "key":
            return row.key_id or ""
        case _:
            return getattr(row, dimension)


def grouped(rows: Iterable[CallRecord], by: Sequence[Dimension]) -> dict[tuple[Any, ...], list[CallRecord]]:
    """The calls that have ended, by their keys."""
    groups: dict[tuple[Any, ...], list[CallRecord]] = {}
    for row in ended(rows):
        groups.setdefault(tuple(key_of(row, dimension) for dimension in by), []).append(row)
    return groups


def summed(rows: Sequence[CallRecord]) -> Totals:
    """The sums of calls that have ended."""
    timed = [row for row in rows if row.completion_tokens > 0 and _generation(row) > 0]
    return Totals(
        calls=len(rows),
        turns=len([row for row in rows if (row.feature, row.role) == ("chat", "first")]),
        prompt_tokens=sum(row.prompt_tokens for row in rows),
        completion_tokens=sum(row.completion_tokens for row in rows),
        cached_tokens=sum(row.cached_tokens for row in rows),
        reasoning_tokens=sum(row.reasoning_tokens for row in rows),
        cost=_money(row.cost for row in rows),
        estimated_cost=_money(row.cost for row in rows if row.estimated),
        unknown_price_calls=len([row for row in rows if row.cost is None]),
        estimated_calls=len([row for row in rows if row.estimated]),
        cache_saving=_money(row.cache_saving for row in rows),
        timed_tokens=sum(row.completion_tokens for row in timed),
        generation_seconds=sum(_generation(row) for row in timed),
        audio_seconds=sum(row.audio_seconds or 0 for row in rows),
        characters=sum(row.characters or 0 for row in rows),
    )


def same(totals: Totals, rows: Sequence[CallRecord]) -> bool:
    """Whether the totals are those of the rows; seconds but for the microseconds they are kept in."""
    expected = asdict(summed(rows))
    for name in ("generation_seconds", "audio_seconds"):
        expected[name] = pytest.approx(expected[name], abs=1e-6 * (len(rows) + 1))
    return asdict(totals) == expected


def _generation(row: CallRecord) -> float:
    if row.completion_time is not None:
        return row.completion_time
    return 0.0 if row.duration is None else row.duration - (row.first_token or 0.0)


def _money(amounts: Iterable[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))
