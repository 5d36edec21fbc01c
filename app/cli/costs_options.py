"""What the options of `tensorwall costs` take: spans of time and dimensions, with their completion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from core.costs.periods import Period
    from core.review import Dimension

__all__ = ("DIMENSIONS", "Dimensions", "Span", "complete_spender")

DIMENSIONS = (
    *("session", "model", "provider", "route", "feature", "role", "outcome", "key"),
    *("day", "week", "month"),
)
"""As ``core.review`` has them, which takes SQLAlchemy to import: too slow for ``--help``."""


class Dimensions(click.ParamType):  # type: ignore[type-arg]  # click 8.3 takes none
    """Names of dimensions with commas between them."""

    name = "DIM[,DIM]"

    def convert(
        self,
        value: str | tuple[Dimension, ...],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[Dimension, ...]:
        """The dimensions in the order they were given, each once."""
        if isinstance(value, tuple):
            return value
        names = [name.strip().lower() for name in value.split(",")]
        if "" in names:
            self.fail(f"a name is missing; there are {', '.join(DIMENSIONS)}.", param, ctx)
        if unknown := [name for name in names if name not in DIMENSIONS]:
            self.fail(f"there is no {unknown[0]!r}; there are {', '.join(DIMENSIONS)}.", param, ctx)
        return tuple(dict.fromkeys(names))  # type: ignore[arg-type]  # just looked up

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - as click has it
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """What may follow the last comma."""
        before, comma, typed = incomplete.rpartition(",")
        given = before.split(",")
        return [
            CompletionItem(f"{before}{comma}{name}")
            for name in DIMENSIONS
            if name.startswith(typed) and name not in given
        ]


class Span(click.ParamType):  # type: ignore[type-arg]
    """A day, a longer stretch of time or a moment; see ``core.review.spans``."""

    name = "D"

    def convert(
        self, value: str | Period, param: click.Parameter | None, ctx: click.Context | None
    ) -> Period:
        """From its beginning to its end."""
        if not isinstance(value, str):
            return value
        from core.errors import InputError
        from core.review.spans import span

        try:
            return span(value, datetime.now(UTC))
        except InputError as error:
            self.fail(str(error), param, ctx)


def complete_spender(_ctx: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """The sessions that cost something, and ``latest``; none where storage cannot be read."""
    import asyncio

    from app.cells import one_line
    from app.cli.services import open_stored
    from core.errors import TensorWallError

    async def read() -> list[CompletionItem]:
        async with open_stored() as stored:
            page = await stored.records.review.sessions(limit=100)
        found = [CompletionItem(spent.id, help=one_line(spent.title or "")) for spent in page.sessions]
        return [CompletionItem("latest", help="the session used last"), *found]

    try:
        items = asyncio.run(read())
    except TensorWallError:
        return []  # a Tab press is no place for an error
    return [item for item in items if item.value and item.value.startswith(typed)]
