"""`tensorwall routes`: how each route has done lately, and why an answer came from where it did."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import click

from app.cli.costs_options import complete_spender
from app.cli.failures import INTERRUPTED
from app.cli.options import table_or_json

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from app.cli.services import Stored
    from core.routing import LLMRouter

__all__ = ("routes",)

_HERE = (
    "By the ledger: calls of a week, at most 100 a route. Left is what remains of the scarcest rate limit "
    "now, whichever TensorWall of yours used it."
)
_NONE = "No route is set up and none was asked within a week. `tensorwall login` stores a key."
_WARM_SECONDS = 30.0
"""Between two looks whether the connections still work."""


@click.command()
@click.option(
    "--why",
    "place",
    metavar="SESSION[/TURN]",
    shell_complete=complete_spender,
    help="Why an answer came from where it did: of a session (its id, a beginning of it, or `latest`) the "
    "last one, or the one of that number.",
)
@click.option(
    "--connect",
    is_flag=True,
    help="Open a connection to each, which costs nothing, and say whether it is warm.",
)
@click.option("--watch", is_flag=True, help="Show it again whenever it has changed, until Ctrl-C.")
@table_or_json
@click.option("--demo", is_flag=True, help="The demo's routes, which are kept apart.")
def routes(*, place: str | None, connect: bool, watch: bool, form: str, demo: bool) -> int:
    """List the routes: how soon and how fast they answer, how often they fail, what they cost today.

    p50 and p95 are the times to the first word that half of the answers, and 95 of 100, did not exceed. Left
    is what remains of the scarcest rate limit. The parts are the middle ones of these times, where the
    provider tells them apart.
    """
    if place:
        if watch or connect:
            raise click.UsageError("--why tells of an answer that is over: leave out --watch and --connect.")
        from app.cli.routes_why import show_why

        return asyncio.run(show_why(place, form, demo=demo))
    if connect and demo:
        raise click.UsageError("--connect and --demo exclude each other: the demo has no server of its own.")
    try:
        return asyncio.run(_show_routes(form, demo=demo, connect=connect, watch=watch))
    except KeyboardInterrupt:
        return INTERRUPTED


async def _show_routes(form: str, *, demo: bool, connect: bool, watch: bool) -> int:
    from app.cli.services import open_stored

    async with (
        open_stored(demo=demo) as stored,
        _router(stored, demo=demo) as router,
        aclosing(_looks(stored, router, connect=connect)) as looks,
    ):
        if not watch:
            _show(await anext(looks), form, connected=connect)
        elif form == "json":
            await _watch_json(looks)
        else:
            await _watch_lines(looks, connected=connect)
    return 0


@asynccontextmanager
async def _router(stored: Stored, *, demo: bool) -> AsyncIterator[LLMRouter | None]:
    """Where this configuration leads; nowhere without a key."""
    from app.composition import compose
    from core.errors import CredentialsError

    try:
        services = None if demo else await compose(stored.settings)
    except CredentialsError:
        services = None
    try:
        yield services.router if services else None
    finally:
        if services is not None:
            await services.aclose()


async def _looks(
    stored: Stored, router: LLMRouter | None, *, connect: bool
) -> AsyncGenerator[list[dict[str, Any]]]:
    """The routes as they stand now, and once a second."""
    from app.cli.routes_rows import rows_of
    from app.cli.watching import looks

    model = stored.settings.chat.model or stored.catalogue.default_model
    clock = asyncio.get_running_loop().time
    warmed, version = float("-inf"), ""
    async for _ in looks():
        if connect and router is not None and clock() - warmed >= _WARM_SECONDS:
            await router.warm()
            warmed = clock()
        if version != (version := await stored.records.review.version()):
            records = await stored.records.review.routes()
        yield rows_of(records, router, model, connected=connect)


def _show(rows: list[dict[str, Any]], form: str, *, connected: bool) -> None:
    from app.cli.output import emit_json, note
    from app.cli.routes_rows import table_of
    from app.cli.tables import emit_table

    if form == "json":
        emit_json(rows)
    elif rows:
        headers, cells, right = table_of(rows, connected=connected)
        emit_table(headers, cells, right=right)
        note(_HERE)
    else:
        note(_NONE)


async def _watch_json(looks: AsyncIterator[list[dict[str, Any]]]) -> None:
    """A line of JSON now and at every change, until cancelled."""
    import json

    from app.cli.output import emit

    shown = None
    async for rows in looks:
        if rows != shown:
            emit(json.dumps(rows, ensure_ascii=False))
            shown = rows


async def _watch_lines(looks: AsyncIterator[list[dict[str, Any]]], *, connected: bool) -> None:
    from app.cli.routes_rows import table_of
    from app.cli.tables import render_table, terminal_width
    from app.cli.watching import show_again

    async def views() -> AsyncIterator[list[str]]:
        async for rows in looks:
            headers, cells, right = table_of(rows, connected=connected)
            yield render_table(headers, cells, right=right, width=terminal_width()) if rows else [_NONE]

    await show_again(views())
