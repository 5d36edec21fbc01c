"""What `tensorwall keys` takes: lists of names, budgets, and how long something lasts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import click
from click.shell_completion import CompletionItem

from core.keys import PERIODS, KeyBudget

__all__ = ("DEMO", "Budget", "Duration", "Expiry", "Names", "complete_key")

DEMO = "app.cli.keys.demo"
"""Under which a command knows whether it is about the demo's keys."""

_DURATION = re.compile(r"([0-9]{1,6})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}
_BUDGET = re.compile(rf"\$?([0-9]{{1,9}}(?:\.[0-9]{{1,12}})?)/({'|'.join(PERIODS)})")


class Names(click.ParamType):  # type: ignore[type-arg]  # click 8.3 takes none
    """Names with commas between them."""

    name = "NAME[,NAME]"

    def convert(
        self,
        value: str | tuple[str, ...],
        param: click.Parameter | None,  # noqa: ARG002 - as click has it
        ctx: click.Context | None,  # noqa: ARG002
    ) -> tuple[str, ...]:
        """The names in the order they were given, each once."""
        if isinstance(value, tuple):
            return value
        return tuple(dict.fromkeys(name for each in value.split(",") if (name := each.strip())))


class Budget(click.ParamType):  # type: ignore[type-arg]
    """So many US dollars in each period."""

    name = "USD/PERIOD"

    def convert(
        self, value: str | KeyBudget, param: click.Parameter | None, ctx: click.Context | None
    ) -> KeyBudget:
        """As ``5/month`` has it."""
        if isinstance(value, KeyBudget):
            return value
        if not (given := _BUDGET.fullmatch(value.strip().lower())):
            self.fail(f"{value!r} is no budget; such as: 5/month (or {', '.join(PERIODS)}).", param, ctx)
        (period,) = (name for name in PERIODS if name == given[2])
        return KeyBudget(period, Decimal(given[1]))


class Duration(click.ParamType):  # type: ignore[type-arg]
    """Hours, days or weeks."""

    name = "TIME"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """As ``24h`` has it."""
        if isinstance(value, timedelta):
            return value
        if (length := _duration(value)) is None:
            self.fail(f"{value!r} is no time; such as: 24h, 7d, 2w, or 0.", param, ctx)
        return length


class Expiry(click.ParamType):  # type: ignore[type-arg]
    """A time from now, a day by its end, or a moment."""

    name = "WHEN"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """When it is over, by this machine's clock where no zone is given."""
        if isinstance(value, datetime):
            return value
        try:
            return _expiry(value.strip())
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; such as: 30d, 2027-01-31, 2027-01-31T18:00.", param, ctx)


def _duration(text: str) -> timedelta | None:
    text = text.strip().lower()
    if text == "0":
        return timedelta(0)
    if not (given := _DURATION.fullmatch(text)):
        return None
    return timedelta(hours=int(given[1]) * _HOURS[given[2]])


def _expiry(text: str) -> datetime:
    if length := _duration(text):
        return datetime.now(UTC) + length
    if len(text) > len("2027-01-31"):
        return datetime.fromisoformat(text).astimezone(UTC)
    following = date.fromisoformat(text) + timedelta(days=1)
    return datetime.combine(following, time.min).astimezone(UTC)


def complete_key(ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """The keys that may be used, by their prefixes; none where storage cannot be read."""
    import asyncio

    from app.cells import one_line
    from app.cli.services import open_stored
    from core.errors import TensorWallError
    from core.keys import GatewayKey

    async def read() -> list[GatewayKey]:
        async with open_stored(demo=ctx.meta.get(DEMO, False)) as stored:
            return await stored.records.keys.all()

    try:
        found = asyncio.run(read())
    except TensorWallError:
        return []  # a Tab press is no place for an error
    now = datetime.now(UTC)
    return [
        CompletionItem(key.prefix, help=one_line(key.name))
        for key in found
        if key.state(now) == "active" and key.prefix.startswith(typed)
    ]
