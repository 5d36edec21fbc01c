"""`tensorwall routes`: how each route has done lately, and why an answer came from where it did."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from app.cli.costs_options import complete_spender
from app.cli.options import table_or_json

if TYPE_CHECKING:
    from app.cli.services import Stored
    from core.chat.delay import Delay
    from core.costs.ledger_records import CallRecord
    from core.review import RouteRecord, TurnSpend
    from core.routing import LLMRouter, RouteHealth
    from core.routing.limits import LimitLevel

    Levels = dict[tuple[str, str], tuple[LimitLevel, ...]]

__all__ = ("routes",)

_HERE = (
    "By the ledger: calls of a week, at most 100 a route. Left is what remains of the scarcest rate limit "
    "now, whichever TensorWall of yours used it."
)


@click.command()
@click.option(
    "--why",
    "place",
    metavar="SESSION[/TURN]",
    shell_complete=complete_spender,
    help="Why an answer came from where it did: of a session (its id, a beginning of it, or `latest`) the "
    "last one, or the one of that number.",
)
@table_or_json
@click.option("--demo", is_flag=True, help="The demo's routes, which are kept apart.")
def routes(*, place: str | None, form: str, demo: bool) -> int:
    """List the routes: how soon and how fast they answer, how often they fail, what they cost today.

    p50 and p95 are the times to the first word that half of the answers, and 95 of 100, did not exceed. Left
    is what remains of the scarcest rate limit. The parts are the middle ones of these times, where the
    provider tells them apart.
    """
    return asyncio.run(_show_why(place, form, demo=demo) if place else _show_routes(form, demo=demo))


async def _show_routes(form: str, *, demo: bool) -> int:
    from app.cli.output import emit_json, note
    from app.cli.services import open_stored

    async with open_stored(demo=demo) as stored:
        records = await stored.records.review.routes()
        endpoints, levels = ([], {}) if demo else await _configured(stored, records)
    rows = _rows(endpoints, records, levels)
    if form == "json":
        emit_json(rows)
    elif rows:
        _emit_rows(rows)
        note(_HERE)
    else:
        note("No route is set up and none was asked within a week. `tensorwall login` stores a key.")
    return 0


async def _configured(stored: Stored, records: list[RouteRecord]) -> tuple[list[RouteHealth], Levels]:
    """The routes that this configuration leads to, none without a key; and what is left of their limits."""
    from app.composition import compose
    from core.errors import CredentialsError

    try:
        services = await compose(stored.settings)
    except CredentialsError:
        return [], {}
    try:
        router = services.router
        endpoints = router.health(stored.settings.chat.model or stored.catalogue.default_model)
        return endpoints, _levels(router, endpoints, records)
    finally:
        await services.aclose()


def _levels(router: LLMRouter, endpoints: list[RouteHealth], records: list[RouteRecord]) -> Levels:
    """Of each provider and model; also of those that only others of the user's programs have asked."""
    from core.errors import UnknownRoute

    known = list(endpoints)
    for model in {record.model for record in records}:
        with suppress(UnknownRoute):
            known += router.health(model)
    return {(health.provider, health.model): health.levels for health in known}


def _rows(endpoints: list[RouteHealth], records: list[RouteRecord], levels: Levels) -> list[dict[str, Any]]:
    """Those that are set up, in their order, then those that were asked besides."""
    from core.review import RouteRecord

    known = {(record.provider, record.model): record for record in records}
    priorities: dict[tuple[str, str], int] = {}
    for endpoint in endpoints:
        priorities.setdefault((endpoint.provider, endpoint.model), endpoint.priority)
    return [
        _row(known.get(key) or RouteRecord(*key), priorities.get(key), levels.get(key, ()))
        for key in dict.fromkeys([*priorities, *known])
    ]


def _row(record: RouteRecord, priority: int | None, levels: tuple[LimitLevel, ...]) -> dict[str, Any]:
    return {
        "provider": record.provider,
        "model": record.model,
        "priority": priority,
        "calls": record.calls,
        "failed": record.failed,
        "first_content_p50_s": record.first_content,
        "first_content_p95_s": record.slow_first_content,
        "tokens_per_second": record.tokens_per_second,
        "delay_s": _parts(record.delay),
        "limits": {
            level.kind: {
                "limit": round(level.limit),
                "left": int(level.free),
                "whole_in_s": round(level.whole_in, 1),
            }
            for level in levels
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


def _parts(delay: Delay | None) -> dict[str, float | None] | None:
    if delay is None:
        return None
    return {
        "network": delay.network,
        "queue": delay.queue,
        "prompt": delay.prompt,
        "generation": delay.generation,
    }


def _emit_rows(rows: list[dict[str, Any]]) -> None:
    from decimal import Decimal

    from app.cli.tables import emit_table
    from app.figures import duration, money

    def share(row: dict[str, Any]) -> str:
        return f"{row['failed'] / row['calls']:.0%} of {row['calls']}" if row["calls"] else "-"

    def left(row: dict[str, Any]) -> str:
        shares = [level["left"] / level["limit"] for level in row["limits"].values()]
        return f"{min(shares):.0%}" if shares else "-"

    def parts(row: dict[str, Any]) -> list[str]:
        told = row["delay_s"] or dict.fromkeys(("network", "queue", "prompt", "generation"))
        return [duration(seconds) for seconds in told.values()]

    emit_table(
        (
            "provider",
            "model",
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
        ),
        [
            (
                row["provider"],
                row["model"],
                duration(row["first_content_p50_s"]),
                duration(row["first_content_p95_s"]),
                f"{row['tokens_per_second']:,.0f}" if row["tokens_per_second"] else "-",
                share(row),
                left(row),
                money(Decimal(row["today"]["cost_usd"])),
                *parts(row),
            )
            for row in rows
        ],
        right=frozenset({2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
    )


async def _show_why(place: str, form: str, *, demo: bool) -> int:
    from app.cells import one_line
    from app.cli.output import emit_json, emit_line
    from app.cli.services import open_stored
    from app.why_route import call_facts, choice_facts, in_short

    wanted, _, number = place.partition("/")
    async with open_stored(demo=demo) as stored:
        review = stored.records.review
        turns = await review.turns(await review.find(wanted))
    turn = _chosen([turn for turn in turns if turn.message_id and turn.feature == "chat"], number)
    if form == "json":
        emit_json([_call(call) for call in turn.calls])
        return 0
    emit_line(one_line(turn.question) or "(question deleted)")
    emit_line(one_line(in_short(turn.calls)))
    for name, told in [*call_facts(turn.calls), *choice_facts(())]:
        emit_line(f"{name:11}{one_line(told)}")
    return 0


def _chosen(turns: list[TurnSpend], number: str) -> TurnSpend:
    """The turn of that number, from 1; the last one where none is given.

    Raises:
        InputError: there is no such turn.
    """
    from core.errors import InputError

    if not turns:
        raise InputError("The ledger has no answers of this session.")
    at = int(number) if number.isdecimal() else 0 if number else len(turns)
    if not 1 <= at <= len(turns):
        raise InputError(f"There is no turn {number}.", hint=f"The session has {len(turns)}, from 1 on.")
    return turns[at - 1]


def _call(call: CallRecord) -> dict[str, Any]:
    from core.chat.delay import delay_of

    delay = delay_of(call.first_token, call.first_content, call.queue_time, call.prompt_time)
    return {
        "role": call.role,
        "provider": call.provider,
        "model": call.model,
        "reason": call.reason,
        "outcome": call.outcome,
        "started_at": call.started_at.isoformat(),
        "first_content_s": call.first_content,
        "duration_s": call.duration,
        "delay_s": _parts(delay),
        "fault": delay.fault if delay else None,
        "error_type": call.error_type,
        "error": call.error,
    }
