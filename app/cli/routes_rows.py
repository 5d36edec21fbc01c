"""What `tensorwall routes` knows of each route: as data for programs, and as a table for people."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.chat.delay import Delay
    from core.review import RouteRecord
    from core.routing import LLMRouter, RouteHealth

__all__ = ("delay_parts", "rows_of", "table_of")


def rows_of(
    records: Sequence[RouteRecord], router: LLMRouter | None, model: str, *, connected: bool
) -> list[dict[str, Any]]:
    """The routes that are set up, in their order, then those that were asked besides.

    Args:
        records: what the ledger has of each.
        router: leads to those that are set up; ``None`` where none is.
        model: what is asked for next.
        connected: tell how many connections there are.
    """
    from core.review import RouteRecord

    known = {(record.provider, record.model): record for record in records}
    set_up = router.health(model) if router else []
    priorities: dict[tuple[str, str], int] = {}
    for endpoint in set_up:
        priorities.setdefault((endpoint.provider, endpoint.model), endpoint.priority)
    standing = {(each.provider, each.model): each for each in [*set_up, *_others(router, records)]}
    return [
        _row(known.get(key) or RouteRecord(*key), standing.get(key), priorities.get(key), connected=connected)
        for key in dict.fromkeys([*priorities, *known])
    ]


def delay_parts(delay: Delay | None) -> dict[str, float | None] | None:
    """The parts of the time to the first word, in seconds."""
    if delay is None:
        return None
    return {
        "network": delay.network,
        "queue": delay.queue,
        "prompt": delay.prompt,
        "generation": delay.generation,
    }


def table_of(
    rows: Sequence[dict[str, Any]], *, connected: bool
) -> tuple[list[str], list[list[str]], frozenset[int]]:
    """Headers, cells, and the columns that are aligned on the right; arguments as `rows_of`."""
    headers = ["provider", "model", *(["connection"] if connected else []), *_NUMBERS]
    cells = [
        [row["provider"], row["model"], *([_connection(row)] if connected else []), *_numbers(row)]
        for row in rows
    ]
    return headers, cells, frozenset(range(len(headers) - len(_NUMBERS), len(headers)))


_NUMBERS = (
    "p50",
    "p95",
    "tok/s",
    "failed",
    "left",
    "today",
    "network",
    "queue",
    "prompt",
    "thinking",
)


def _others(router: LLMRouter | None, records: Sequence[RouteRecord]) -> list[RouteHealth]:
    """Those that only others of the user's programs have asked."""
    from core.errors import UnknownRoute

    found: list[RouteHealth] = []
    for model in {record.model for record in records}:
        with suppress(UnknownRoute):
            found += router.health(model) if router else []
    return found


def _row(
    record: RouteRecord, standing: RouteHealth | None, priority: int | None, *, connected: bool
) -> dict[str, Any]:
    connection = None
    if connected and standing is not None:
        warmth = standing.warmth
        connection = {"in_use": warmth.in_use, "in_reserve": warmth.in_reserve}
    return {
        "provider": record.provider,
        "model": record.model,
        "priority": priority,
        "connection": connection,
        "calls": record.calls,
        "failed": record.failed,
        "first_content_p50_s": record.first_content,
        "first_content_p95_s": record.slow_first_content,
        "tokens_per_second": record.tokens_per_second,
        "delay_s": delay_parts(record.delay),
        "limits": {
            level.kind: {
                "limit": round(level.limit),
                "left": int(level.free),
                "whole_in_s": round(level.whole_in, 1),
            }
            for level in (standing.levels if standing else ())
        },
        "last_at": record.last_at.isoformat() if record.last_at else None,
        "last_outcome": record.last_outcome,
        "last_error": record.last_error,
        "today": {
            "calls": record.today.calls,
            "tokens": record.today.total_tokens,
            "cost_usd": str(record.today.cost),
            "unknown_price_calls": record.today.unknown_price_calls,
        },
    }


def _connection(row: dict[str, Any]) -> str:
    from app.warmth_words import warmth_in_a_word
    from core.providers import Warmth

    return warmth_in_a_word(Warmth(**row["connection"])) if row["connection"] else "-"


def _numbers(row: dict[str, Any]) -> list[str]:
    from decimal import Decimal

    from app.figures import duration, money

    shares = [level["left"] / level["limit"] for level in row["limits"].values()]
    delays = row["delay_s"] or dict.fromkeys(("network", "queue", "prompt", "generation"))
    return [
        duration(row["first_content_p50_s"]),
        duration(row["first_content_p95_s"]),
        f"{row['tokens_per_second']:,.0f}" if row["tokens_per_second"] else "-",
        f"{row['failed'] / row['calls']:.0%} of {row['calls']}" if row["calls"] else "-",
        f"{min(shares):.0%}" if shares else "-",
        money(Decimal(row["today"]["cost_usd"])),
        *(duration(seconds) for seconds in delays.values()),
    ]
