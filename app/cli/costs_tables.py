"""The review of spend as lines of text: sums, sessions, groups, turns with their calls, budgets."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from rich.cells import cell_len

from app.cells import column, one_line
from app.cli.output import DIM, paint
from app.cli.tables import render_table
from app.figures import count, duration, money

if TYPE_CHECKING:
    from decimal import Decimal

    from core.costs.budgets import Standing
    from core.costs.ledger_records import CallRecord, Totals
    from core.review import Dimension, Group, SessionSpend, TurnSpend

__all__ = (
    "Column",
    "budget_lines",
    "group_lines",
    "number_of",
    "remarks",
    "session_lines",
    "session_name",
    "spent",
    "sum_lines",
    "table",
    "turn_lines",
)

_ROOMY = 100
"""Columns of a terminal that has room for everything."""
_GAP = 2
_BRANCH = "└ "
_LEAST = 12
"""Cells that are left to a column that yields."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its cells.

    Attributes:
        right: aligned on the right, as numbers are.
        spare: left out where there is no room, or nothing in it.
        yields: cut where the table leaves the terminal; else the last one is.
    """

    name: str
    cells: Sequence[str]
    right: bool = True
    spare: bool = False
    yields: bool = False


def table(columns: Sequence[Column], width: int | None) -> list[str]:
    """Lines, none wider than ``width`` cells."""
    roomy = width is None or width >= _ROOMY
    shown = [each for each in columns if not each.spare or (roomy and any(each.cells))]
    cells = [[each.name, *each.cells] for each in shown]
    if width is not None:
        widths = [max(map(cell_len, own)) + _GAP for own in cells]
        for own, each, needed in zip(cells, shown, widths, strict=True):
            if each.yields:
                room = max(_LEAST, width - sum(widths) + needed)
                own[:] = [column(cell, min(needed, room)).rstrip() for cell in own]
    head, *lines = render_table(
        [own[0] for own in cells],
        [*zip(*(own[1:] for own in cells), strict=True)],
        right=frozenset(number for number, each in enumerate(shown) if each.right),
        width=width,
    )
    return [paint(head, DIM, sys.stdout), *lines]


def sum_lines(sums: Sequence[tuple[str, Totals]], width: int | None) -> list[str]:
    """A line a stretch of time."""
    totals = [each for _, each in sums]
    return table([Column("", [name for name, _ in sums], right=False), *_figures(totals)], width)


def session_lines(sessions: Sequence[SessionSpend], width: int | None) -> list[str]:
    """A line a session; its id is what ``--session`` takes."""
    now = datetime.now(UTC)
    return table(
        [
            Column("session", [each.id or "-" for each in sessions], right=False),
            Column("last used", [_last_used(each, now) for each in sessions], right=False),
            Column("cost", [spent(each.totals) for each in sessions]),
            Column("tokens", [count(each.totals.total_tokens) for each in sessions]),
            Column("turns", [str(each.totals.turns) for each in sessions]),
            Column("tok/s", [_speed(each.median_speed) for each in sessions]),
            Column("models", [_models(each.models) for each in sessions], right=False, spare=True),
            Column("title", [session_name(each) for each in sessions], right=False),
        ],
        width,
    )


def session_name(session: SessionSpend) -> str:
    """Its title, or what is known in place of one."""
    if not session.id:
        return "(outside of sessions)"
    if session.is_deleted:
        return "(deleted)"
    title = one_line(session.title or "")
    return f"{title} (from {session.source})" if session.source else title


def group_lines(
    by: Sequence[Dimension], groups: Sequence[Group], names: Mapping[str, str], width: int | None
) -> list[str]:
    """A line a combination of keys; ``names``: titles of sessions and names of the gateway's keys, by ids."""
    keys = [
        Column(
            name,
            [_key(name, part.keys[number], names) for part in groups],
            right=False,
            yields=number == 0,
        )
        for number, name in enumerate(by)
    ]
    return table([*keys, *_figures([part.totals for part in groups])], width)


def turn_lines(turns: Sequence[TurnSpend], width: int | None) -> list[str]:
    """A line a turn, below it one a call, below that its error."""
    rows: list[tuple[str, ...]] = []
    errors: list[str] = []
    for turn in turns:
        rows += [_turn_row(turn), *map(_call_row, turn.calls)]
        errors += ["", *(_error(call, width) for call in turn.calls)]
    names = ("turn", "prompt", "cached", "output", "thought", "first", "time", "cost")
    cells = [*zip(*rows, strict=True)] if rows else [()] * len(names)
    head, *lines = table(
        [
            Column(
                name,
                own,
                right=name != "turn",
                spare=name in ("cached", "thought"),
                yields=name == "turn",
            )
            for name, own in zip(names, cells, strict=True)
        ],
        width,
    )
    told = [[line, error] if error else [line] for line, error in zip(lines, errors, strict=True)]
    return [head, *(line for pair in told for line in pair)]


def budget_lines(standings: Sequence[Standing], estimated: Sequence[Decimal], width: int | None) -> list[str]:
    """A line a budget; ``estimated`` is the part of each that rests on an estimate."""
    spent = zip(standings, estimated, strict=True)
    return table(
        [
            Column("budget", [each.budget.scope for each in standings], right=False),
            Column("soft", [money(each.budget.soft) if each.budget.soft else "-" for each in standings]),
            Column("hard", [money(each.budget.hard) if each.budget.hard else "-" for each in standings]),
            Column("spent", [money(each.spent, estimated=part > 0) for each, part in spent]),
            Column("held", [money(each.reserved) for each in standings]),
            Column("left", ["-" if each.left is None else money(each.left) for each in standings]),
            Column("refills", [_refills(each) for each in standings], right=False),
        ],
        width,
    )


def spent(totals: Totals) -> str:
    """What calls cost, marked where a part is an estimate."""
    if totals.unknown_price_calls and not totals.cost:
        return "unknown"
    return money(totals.cost, estimated=totals.estimated_cost > 0)


def remarks(totals: Totals) -> list[str]:
    """What has to be known of sums: estimates, and calls whose price is unknown."""
    lines = []
    if totals.estimated_cost:
        lines.append(
            f"{money(totals.billed_cost)} of it as billed, {money(totals.estimated_cost, estimated=True)} by "
            f"estimate of the tokens of {number_of(totals.estimated_calls, 'call')}."
        )
    if unknown := totals.unknown_price_calls:
        lines.append(f"{number_of(unknown, 'call')} at an unknown price: not in the sums of money.")
    return lines


def _figures(totals: Sequence[Totals]) -> list[Column]:
    return [
        Column("cost", [spent(each) for each in totals]),
        Column("tokens", [count(each.total_tokens) for each in totals]),
        Column("cached", [_share(each.cached_tokens, each.prompt_tokens) for each in totals], spare=True),
        Column("turns", [str(each.turns) for each in totals]),
        Column("calls", [str(each.calls) for each in totals]),
        Column("tok/s", [_speed(each.tokens_per_second) for each in totals]),
    ]


def _turn_row(turn: TurnSpend) -> tuple[str, ...]:
    sums, first = turn.totals, [call.first_content for call in turn.calls if call.first_content is not None]
    return (
        f"{_when(turn.started_at, datetime.now(UTC))}  {_asked(turn)}",
        count(sums.prompt_tokens),
        _some(sums.cached_tokens),
        count(sums.completion_tokens),
        _some(sums.reasoning_tokens),
        duration(first[-1]) if first else "-",
        duration(turn.duration),
        spent(sums),
    )


def _asked(turn: TurnSpend) -> str:
    if turn.question:
        return turn.question
    if turn.is_imported:
        return f"({turn.calls[0].reason})"
    return "(question deleted)" if turn.feature == "chat" else turn.feature


def _call_row(call: CallRecord) -> tuple[str, ...]:
    outcome = "" if call.outcome == "answered" else f" {call.outcome}"
    return (
        f"{_BRANCH}{one_line(f'{call.role}{outcome} {call.provider}/{call.model}')}",
        count(call.prompt_tokens),
        _some(call.cached_tokens),
        count(call.completion_tokens),
        _some(call.reasoning_tokens),
        duration(call.first_content),
        duration(call.duration),
        _cost(call),
    )


def _cost(call: CallRecord) -> str:
    if call.outcome == "running":
        return "running"
    if call.cost is None and not (call.prompt_tokens or call.completion_tokens):
        return "-"  # used nothing, so that no price is missing
    return "unknown" if call.cost is None else money(call.cost, estimated=call.estimated)


def _error(call: CallRecord, width: int | None) -> str:
    if not call.error:
        return ""
    text = f"    {call.error_type or 'failed'}: {one_line(call.error)}"
    return text if width is None else column(text, width).rstrip()


def _key(dimension: Dimension, key: str | date, names: Mapping[str, str]) -> str:
    if not isinstance(key, str):
        return f"{key:%Y-%m}" if dimension == "month" else key.isoformat()
    if dimension == "session":
        return f"{key}  {one_line(names.get(key, '(deleted)'))}" if key else "(outside of sessions)"
    if dimension == "key":
        return one_line(names.get(key, key)) or "(without a key)"
    return one_line(key) or "-"


def _refills(standing: Standing) -> str:
    if standing.period.refills_at is None:
        return "with a new session"
    return f"{standing.period.refills_at.astimezone():%Y-%m-%d %H:%M}"


def _models(models: Sequence[str]) -> str:
    """The first by its own name, and how many others there are."""
    if not models:
        return ""
    first = one_line(models[0]).rpartition("/")[2]
    return f"{first} +{len(models) - 1}" if len(models) > 1 else first


def _when(moment: datetime, now: datetime) -> str:
    local, today = moment.astimezone(), now.astimezone()
    return f"{local:%m-%d %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d}"


def _last_used(session: SessionSpend, now: datetime) -> str:
    """``~`` before a time of day that is known to the quarter of an hour alone."""
    told = _when(session.last_at, now)
    return f"~{told}" if session.is_rounded and ":" in told else told


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if part and whole else ""


def _some(number: int) -> str:
    return count(number) if number else ""


def _speed(tokens_per_second: float | None) -> str:
    return "-" if tokens_per_second is None else f"{tokens_per_second:,.0f}"


def number_of(number: int, noun: str, plural: str = "") -> str:
    """``1 call``, ``1,234 calls``; ``plural`` where it is more than an ``s``."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
