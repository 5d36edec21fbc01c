"""`tensorwall costs`: what was spent, on what, and what the budgets have left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from app.cli.completion import complete_model
from app.cli.costs_options import Dimensions, Span, complete_spender
from app.cli.costs_sort import USUAL, Sort, SortType
from app.cli.failures import INTERRUPTED

if TYPE_CHECKING:
    from core.costs.periods import Period
    from core.review import Dimension

__all__ = ("costs",)

_NAMES = {"form": "--format", "limit": "-n", "output": "-o", "until": "--until"}
_SCOPE = {"session", "since", "until", "words"}
_TOGETHER = {
    "import_file": {"form", "demo"},
    "audit_file": {"provider", "form", "demo"},
    "budgets": {"session", "form", "demo"},
    "instead": {*_SCOPE, "form", "demo"},
    "watch": {*_SCOPE, "by", "sort", "limit", "form", "demo"},
}
"""What may stand beside each of these."""


@click.command()
@click.option(
    "--session",
    metavar="ID",
    shell_complete=complete_spender,
    help="One session's turns and calls: its id, a beginning of it, or `latest`.",
)
@click.option("--since", type=Span(), help="From this day or time on; see above.")
@click.option("--until", type=Span(), help="Up to the end of this day, or up to this time.")
@click.option(
    "--by",
    type=Dimensions(),
    help="Sums by session, model, provider, route, feature, role, outcome, key (of the gateway), day, week "
    "or month; several with commas.",
)
@click.option(
    "--filter",
    "words",
    metavar="TEXT",
    help="Words of the conversation, and field:value, such as `model:gpt-oss outcome:failed`; with := the "
    "whole value, such as `model:=gpt-4`.",
)
@click.option(
    "--sort",
    type=SortType(),
    metavar="KEY[:asc|:desc]",
    help="By cost, tokens, turns, calls, speed …, the greatest first; `cost:asc` puts the least first. "
    "Groups also by key, from the least on; `key:desc` turns that round.",
)
@click.option("-n", "--limit", type=click.IntRange(min=1), help="At most so many rows.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "json", "markdown"]),
    help="For people (the default), or exact to the last digit.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to this new file; .csv, .json or .md chooses the format.",
)
@click.option("--watch", is_flag=True, help="Show it again whenever something was spent, until Ctrl-C.")
@click.option(
    "--instead",
    metavar="MODEL",
    shell_complete=complete_model,
    help="What the same calls would have cost on this model, at today's price.",
)
@click.option(
    "--budgets", is_flag=True, help="What is spent, held for running calls, and left of each budget."
)
@click.option(
    "--import",
    "import_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take in the usage that llm (logs.db) or LiteLLM (spend logs; - is stdin) kept.",
)
@click.option(
    "--audit",
    "audit_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Compare with a provider's usage export (- is stdin); days as 2026-11-22, or seconds since 1970; "
    "exit status 1 when they differ.",
)
@click.option("--provider", metavar="NAME", help="Whose export --audit compares with.")
@click.option("--demo", is_flag=True, help="The demo's costs, which are kept apart.")
@click.pass_context
def costs(
    ctx: click.Context,
    *,
    session: str | None,
    since: Period | None,
    until: Period | None,
    by: tuple[Dimension, ...] | None,
    words: str | None,
    sort: Sort | None,
    limit: int | None,
    form: str | None,
    output: Path | None,
    watch: bool,
    instead: str | None,
    budgets: bool,
    import_file: Path | None,
    audit_file: Path | None,
    provider: str | None,
    demo: bool,
) -> int:
    """Show what was spent: in all, by session, by turn, or by anything else.

    Without options: today, this week, this month and in all, then the sessions used last. `~` marks what
    rests on an estimate of tokens. Days, weeks and months are those of this machine's clock.

    \b
    D is one of
      2026-11-22, 2026-11   a day, a month
      2026-11-22T09:30      a time, to the quarter of an hour
      today, yesterday, week, month
      7d, 2w, 3m            the day so many days, weeks or months ago
    """  # noqa: D301 - click's mark for "do not rewrap" is the character, not its escape
    given = [name for name in ctx.params if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE]
    _refuse_contradictions(given)
    alone = bool(budgets or import_file or audit_file or instead is not None)
    if form in ("csv", "markdown") and (alone or watch):
        raise click.UsageError(
            f"--format {form} is for sessions, groups and calls; here it is table or json."
        )

    import asyncio

    from app.cli import costs_files

    async def work(file: costs_files.UsageFile | None) -> int:
        from app.cli import costs_output
        from app.cli.services import open_stored
        from core.review import Scope, parse_filter

        chosen = Scope(since.since if since else None, until.until if until else None)
        chosen = replace(chosen, filter=parse_filter(words or ""))
        async with open_stored(demo=demo) as stored:
            if file and import_file:
                return await costs_files.take_in(stored, file, form)
            if file:
                return await costs_files.compare(stored, file, provider, form)
            id_ = await stored.records.review.find(session) if session is not None else None
            if budgets:
                return await costs_output.show_budgets(stored, id_, form)
            scope = replace(chosen, session_id=id_)
            if instead is not None:
                return await costs_output.show_instead(stored, scope, instead, form)
            view = costs_output.choose_view(scope, by, sort or USUAL, limit)
            return await costs_output.show(stored.records.review, view, form, output, watch=watch)

    try:
        if path := import_file or audit_file:
            with costs_files.opened(path) as file:
                return asyncio.run(work(file))
        return asyncio.run(work(None))
    except KeyboardInterrupt:
        return INTERRUPTED


def _refuse_contradictions(given: list[str]) -> None:
    """Raise where options were given that cannot all be meant."""
    for name, allowed in _TOGETHER.items():
        if name in given and (others := [other for other in given if other != name and other not in allowed]):
            raise click.UsageError(f"{_option(name)} and {_option(others[0])} exclude each other.")
    if "provider" in given and "audit_file" not in given:
        raise click.UsageError("--provider says whose export --audit compares with: it needs --audit.")
    if "session" in given and "by" not in given and "instead" not in given:
        for name in ("since", "until", "words"):
            if name in given:
                raise click.UsageError(
                    f"--session shows all its turns: with {_option(name)} it needs --by, such as --by model."
                )


def _option(name: str) -> str:
    known = {"words": "--filter", "import_file": "--import", "audit_file": "--audit", **_NAMES}
    return known.get(name, f"--{name}")
