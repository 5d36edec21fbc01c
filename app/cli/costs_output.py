"""From what `tensorwall costs` was asked to stdout, a file or the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from app.cells import one_line
from app.cli.costs_instead import find_priced
from app.cli.costs_sort import Sort
from app.cli.costs_tables import budget_lines, number_of
from app.cli.costs_views import GroupView, Overview, SessionView, View
from app.cli.output import emit, emit_line, note
from app.cli.progress_line import ProgressLine
from app.cli.services import Stored
from app.cli.tables import terminal_width
from app.figures import money
from app.new_file import write_new_file
from core.errors import InputError
from core.review import Dimension, Form, Repriced, Scope, form_of, render
from core.review.exports import json_object

if TYPE_CHECKING:
    from core.costs.budgets import Standing
    from core.review.report import Cell, Report
    from core.review.review import Review

__all__ = ("choose_view", "emit_objects", "show", "show_budgets", "show_instead")

_MOST_ROWS = 1_000_000_000
"""Databases take no limit of more than 64 bits."""


def choose_view(scope: Scope, by: Sequence[Dimension] | None, sort: Sort, limit: int | None) -> View:
    """What was asked for.

    Raises:
        InputError: the time ends before it begins.
    """
    if scope.since and scope.until and scope.since >= scope.until:
        raise InputError(
            "--until is not after --since.", hint="A day ends with its midnight; a time is to the quarter."
        )
    limit = min(limit, _MOST_ROWS) if limit else None
    if by:
        return GroupView(by, scope, sort, limit)
    return SessionView(scope.session_id, sort, limit) if scope.session_id else Overview(scope, sort, limit)


async def show(review: Review, view: View, form: str | None, output: Path | None, *, watch: bool) -> int:
    """Write the view to stdout or a new file, once or at every change; the exit status."""
    if output and form == "table":
        raise click.UsageError("-o writes csv, json or markdown; for a table redirect stdout.")
    if watch:
        from app.cli.costs_watch import watch_lines, watch_reports

        await (watch_reports if form == "json" else watch_lines)(review, view)
    elif output:
        text = render(await _report(review, view), cast("Form", form) if form else form_of(output))
        await asyncio.to_thread(write_new_file, output, text)
        note(f"Wrote {output}.")
    elif form in (None, "table"):
        lines = await view.lines(review, terminal_width())
        for line in lines:
            emit_line(line)
        if not lines:
            note("No calls are booked there yet. --since, --until and --filter narrow what is shown.")
    else:
        emit(render(await _report(review, view), cast("Form", form)).rstrip("\n"))
    return 0


async def _report(review: Review, view: View) -> Report:
    """Of very many sessions it takes seconds, so it is told how far it is; Ctrl-C stops it."""
    with ProgressLine() as line:
        return await view.report(
            review, lambda read, whole: line.show(f"{read:,} of {whole:,} sessions read")
        )


async def show_budgets(stored: Stored, session_id: str | None, form: str | None) -> int:
    """Write what each budget has left; the exit status."""
    standings = await stored.records.ledger.standings(stored.settings.budgets, session_id)
    if session_id is None:  # which session is not said
        standings = [each for each in standings if each.budget.scope != "session"]
    estimated = [await _estimated(stored.records.review, each, session_id) for each in standings]
    if form == "json":
        rows = zip(standings, estimated, strict=True)
        emit_objects([_standing(each) | {"estimated_usd": part} for each, part in rows])
    elif standings:
        for line in budget_lines(standings, estimated, terminal_width()):
            emit_line(line)
    if not standings:
        which = "" if session_id else ", or only for sessions (--session ID)"
        note(f"No budget is set{which}. Such as: tensorwall config set budgets.month.hard 20")
    return 0


async def _estimated(review: Review, standing: Standing, session_id: str | None) -> Decimal:
    """The part of what is spent of a budget that rests on estimated tokens, US dollars."""
    of_session = session_id if standing.budget.scope == "session" else None
    return (await review.totals(Scope(standing.period.since, session_id=of_session))).estimated_cost


async def show_instead(stored: Stored, scope: Scope, model: str, form: str | None) -> int:
    """Write what the calls would have cost on another model; the exit status."""
    found = find_priced(stored.catalogue, model)
    answer = await stored.records.review.repriced(found.price, scope)
    if form == "json":
        emit_objects([{"provider": found.provider, "model": found.model, **_repriced(answer)}], alone=True)
    elif not answer.calls:
        note("There are no calls with tokens to price again.")
    else:
        for line in _in_words(answer, one_line(f"{found.model} by {found.provider}")):
            emit_line(line)
    return 0


def emit_objects(objects: Sequence[Mapping[str, Cell]], *, alone: bool = False) -> None:
    """Write JSON to stdout: a list of objects, or the one there is; money with all its digits."""
    rows = [json_object(row) for row in objects]
    emit(rows[0] if alone else "[\n  " + ",\n  ".join(rows) + "\n]" if rows else "[]")


def _standing(each: Standing) -> dict[str, Cell]:
    return {
        "budget": each.budget.scope,
        "soft_usd": each.budget.soft,
        "hard_usd": each.budget.hard,
        "spent_usd": each.spent,
        "held_usd": each.reserved,
        "left_usd": each.left,
        "refills_at": each.period.refills_at,
    }


def _repriced(answer: Repriced) -> dict[str, Cell]:
    return {
        "price_id": answer.price.id,
        "calls": answer.calls,
        "left_out": answer.left_out,
        "unknown_price_calls": answer.unknown_price_calls,
        "estimated_calls": answer.estimated_calls,
        "actual_usd": answer.actual,
        "instead_usd": answer.instead,
    }


def _in_words(answer: Repriced, model: str) -> list[str]:
    dollars = partial(money, estimated=answer.estimated_calls > 0)
    difference = answer.instead - answer.actual
    change = (
        f"{dollars(abs(difference))} {'more' if difference > 0 else 'less'}" if difference else "the same"
    )
    if answer.actual and difference:
        change += f" ({abs(difference) / answer.actual:.0%})"
    lines = [
        f"{number_of(answer.calls, 'call')} cost {dollars(answer.actual)}.",
        f"On {model} they would have cost {dollars(answer.instead)} at today's price: {change}.",
    ]
    if answer.left_out:
        lines.append(f"Left out: {number_of(answer.left_out, 'call')} without tokens (failed, or speech).")
    if answer.unknown_price_calls:
        lines.append(f"Left out: {number_of(answer.unknown_price_calls, 'call')} at an unknown price.")
    return lines
