"""`tensorwall keys`: who may call the gateway, for what, and up to which sum."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

import click

from app.cli.keys_options import DEMO, Budget, Duration, Expiry, Names, complete_key
from app.cli.output import emit, note
from app.cli.services import Stored, open_stored
from core.keys import ENDPOINTS, KeyBudget, KeyScopes

if TYPE_CHECKING:
    from app.cli.keys_output import ListedKey
    from core.keys import GatewayKey

__all__ = ("keys",)

T = TypeVar("T")


def _of_demo(ctx: click.Context, _: click.Parameter, given: bool) -> None:
    """`--demo` may stand before and after the sub-command."""
    ctx.meta[DEMO] = given or ctx.meta.get(DEMO, False)


demo_option = click.option(
    "--demo",
    is_flag=True,
    expose_value=False,
    callback=_of_demo,
    help="The demo's keys, which are kept apart.",
)
key_argument = click.argument("key", metavar="KEY", shell_complete=complete_key)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="The secret alone, and no word about it.")


@click.group()
@demo_option
def keys() -> None:
    """Make, list, replace and revoke the gateway's keys.

    KEY is a key's id, its name, or the prefix of its secret (a whole secret, too).
    """


def _stored(work: Callable[[Stored], Awaitable[T]]) -> T:
    """Do the work on the database that the command is about."""
    demo: bool = click.get_current_context().meta[DEMO]

    async def whole() -> T:
        async with open_stored(demo=demo) as stored:
            return await work(stored)

    return asyncio.run(whole())


@keys.command()
@demo_option
@click.argument("name")
@click.option("--models", type=Names(), help="These alone; a * at the end stands for all that begin so.")
@click.option("--endpoints", type=Names(), help=f"These alone, of {', '.join(ENDPOINTS)}.")
@click.option(
    "--budget",
    "budgets",
    type=Budget(),
    multiple=True,
    help="Never spend more than this a day, week, month, or in total; several may be given.",
)
@click.option("--expires", type=Expiry(), help="After 12h, 30d, 2w, at the end of a day, or at a time.")
@quiet_option
def create(
    *,
    name: str,
    models: tuple[str, ...] | None,
    endpoints: tuple[str, ...] | None,
    budgets: tuple[KeyBudget, ...],
    expires: datetime | None,
    quiet: bool,
) -> None:
    """Make a key and print its secret, this once."""
    scopes = KeyScopes(models, endpoints, budgets)
    key, secret = _stored(lambda stored: stored.records.keys.create(name, scopes, expires))
    _tell(key, secret, quiet=quiet)


@keys.command("list")
@demo_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json"]),
    default="table",
    help="For people, or exact to the last digit.",
)
def list_keys(*, form: str) -> None:
    """List the keys: what they are good for, and what was spent with them."""
    now = datetime.now(UTC)

    async def read(stored: Stored) -> list[ListedKey]:
        from app.cli.keys_output import read_listed

        return await stored.records.database.read(read_listed, await stored.records.keys.all(), now)

    listed = _stored(read)
    from app.cli.keys_output import emit_keys

    emit_keys(listed, now, form)


@keys.command()
@demo_option
@key_argument
@click.option(
    "--grace",
    type=Duration(),
    default="24h",
    show_default=True,
    help="How long the secret that it has stays good, such as 24h, 7d, 2w or 0.",
)
@quiet_option
def rotate(*, key: str, grace: timedelta, quiet: bool) -> None:
    """Give a key a new secret and print it, this once.

    Budgets and spend stay the key's. The secret it had is good for the time of grace; one from a rotation
    before that ends at once.
    """
    rotated, secret = _stored(lambda stored: stored.records.keys.rotate(key, grace))
    _tell(rotated, secret, quiet=quiet)
    if rotated.previous is not None and rotated.previous.until is not None and not quiet:
        until = rotated.previous.until.astimezone().strftime("%Y-%m-%d %H:%M")
        note(f"The one that began with {rotated.previous.prefix} is good until {until}.")


@keys.command()
@demo_option
@key_argument
def revoke(*, key: str) -> None:
    """End a key at once, everywhere; what was spent with it stays in the ledger."""
    revoked = _stored(lambda stored: stored.records.keys.revoke(key))
    assert revoked.revoked_at is not None
    since = revoked.revoked_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    note(f"{revoked.prefix} ({revoked.name}) is revoked since {since}.")


def _tell(key: GatewayKey, secret: str, *, quiet: bool) -> None:
    emit(secret)
    if not quiet:
        note(f"This is the key {key.name} ({key.id}). Keep it now: it is not shown again.")
