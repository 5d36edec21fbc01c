"""Spend as rows of plain values under stable names, for whoever writes them down.

These functions run on the storage worker: one report is one snapshot, so that its rows add up to its totals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from sqlalchemy import Connection

from core.costs.ledger_records import CallRecord, Totals
from core.review.dimensions import Dimension
from core.review.groups import Group, GroupOrder, group_page, totals
from core.review.key_names import key_names
from core.review.scope import Scope
from core.review.sessions import SessionOrder, SessionSpend, session_titles, sessions_of, sorted_ids
from core.review.turns import TurnSpend, session_turns, totals_of_calls

__all__ = ("Cell", "Progress", "Report", "Row", "call_report", "group_report", "session_report", "sums")

Cell = str | int | float | Decimal | date | tuple[str, ...] | None
"""A ``date`` may be a ``datetime``."""
Row = dict[str, Cell]
"""Cells by the names of their columns."""
Progress = Callable[[int, int], None]
"""Told how many of how many rows are read; on the storage worker."""
_Names = dict[str, tuple[Dimension, dict[str, str]]]
"""By their column: whose names they are, and what each of those is called."""
_AT_ONCE = 1_000
"""Sessions that are read together, between which it is told how far it is."""


@dataclass(frozen=True, slots=True)
class Report:
    """A table of spend.

    Attributes:
        title: what the rows are.
        scope: the calls that are counted.
        totals: the sums of all calls in the scope.
        columns: their names, in the order that every row has them in.
        rows: of ended calls alone; money in US dollars, times in seconds and UTC.
        count: how many rows there are; more than ``rows`` where some were left out.
        generated_at: when the ledger was read.
    """

    title: str
    scope: Scope
    totals: Totals
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    count: int
    generated_at: datetime


def session_report(
    connection: Connection,
    scope: Scope,
    order: SessionOrder,
    *,
    descending: bool,
    limit: int | None,
    progress: Progress,
) -> Report:
    """A row a session; ``progress`` may raise to stop."""
    ids, count = sorted_ids(connection, scope, order, descending=descending, limit=limit)
    rows: list[Row] = []
    for start in range(0, len(ids), _AT_ONCE):
        progress(start, len(ids))
        part = ids[start : start + _AT_ONCE]
        rows += map(_session_row, sessions_of(connection, part, scope, with_latencies=False))
    return Report(
        "Sessions", scope, totals(connection, scope), _SESSION_COLUMNS, tuple(rows), count, datetime.now(UTC)
    )


def group_report(
    connection: Connection,
    by: Sequence[Dimension],
    scope: Scope,
    order: GroupOrder,
    *,
    descending: bool,
    limit: int | None,
) -> Report:
    """A row a combination of keys; sessions and the gateway's keys have their names beside their ids."""
    page = group_page(connection, by, scope, order, descending=descending, limit=limit)
    ids = [str(part.keys[by.index("session")]) for part in page.groups] if "session" in by else []
    titles = session_titles(connection, list(dict.fromkeys(ids)))
    names: _Names = {"title": ("session", titles)}
    if "key" in by:
        names["key_name"] = "key", key_names(connection)
    rows = tuple(_group_row(part, by, names) for part in page.groups)
    columns = (*_group_columns(by), *_SUMS)
    title = f"Spend by {', '.join(by)}"
    return Report(title, scope, page.totals, columns, rows, page.count, datetime.now(UTC))


def call_report(connection: Connection, session_id: str) -> Report:
    """A row an upstream call of the session, numbered by its turns."""
    turns = session_turns(connection, session_id, limit=None)
    ended = [call for turn in turns for call in turn.calls if call.outcome != "running"]
    rows = tuple(
        _call_row(number, turn, call)
        for number, turn in enumerate(turns, start=1)
        for call in turn.calls
        if call.outcome != "running"
    )
    scope = Scope(session_id=session_id)
    return Report("Calls", scope, totals_of_calls(ended), _CALL_COLUMNS, rows, len(rows), datetime.now(UTC))


def sums(totals: Totals) -> Row:
    """Totals under the names they have in every report; money is unknown where no call's price is known."""
    speed, is_unknown = totals.tokens_per_second, bool(totals.unknown_price_calls and not totals.cost)
    return {
        "turns": totals.turns,
        "calls": totals.calls,
        "prompt_tokens": totals.prompt_tokens,
        "completion_tokens": totals.completion_tokens,
        "cached_tokens": totals.cached_tokens,
        "reasoning_tokens": totals.reasoning_tokens,
        "cost_usd": None if is_unknown else totals.cost,
        "estimated_cost_usd": None if is_unknown else totals.estimated_cost,
        "estimated_calls": totals.estimated_calls,
        "unknown_price_calls": totals.unknown_price_calls,
        "cache_saving_usd": None if is_unknown else totals.cache_saving,
        "tokens_per_second": None if speed is None else round(speed, 1),
        "audio_seconds": totals.audio_seconds,
        "characters": totals.characters,
    }


def _session_row(session: SessionSpend) -> Row:
    return {
        "session": session.id,
        "title": session.title or "",
        "deleted": session.is_deleted,
        "source": session.source or "",
        "models": session.models,
        "first_at": session.first_at,
        "last_at": session.last_at,
        **sums(session.totals),
        "median_tokens_per_second": None if session.median_speed is None else round(session.median_speed, 1),
    }


def _group_columns(by: Sequence[Dimension]) -> list[str]:
    """The dimensions, with names after ids."""
    columns: list[str] = []
    for dimension in by:
        match dimension:
            case "session":
                columns += ("session", "title")
            case "key":
                columns += ("key", "key_name")
            case _:
                columns.append(dimension)
    return columns


def _group_row(part: Group, by: Sequence[Dimension], names: _Names) -> Row:
    cells: Row = dict(zip(map(str, by), part.keys, strict=True))
    for column, (dimension, known) in names.items():
        cells[column] = known.get(str(cells.get(dimension)), "")
    return {name: cells[name] for name in _group_columns(by)} | sums(part.totals)


def _call_row(number: int, turn: TurnSpend, call: CallRecord) -> Row:
    cells: tuple[Cell, ...] = (number, turn.question, *(getattr(call, field) for field in _CALL_FIELDS))
    return dict(zip(_CALL_COLUMNS, cells, strict=True))


_SUMS = tuple(sums(Totals()))
_SESSION_COLUMNS = (
    *("session", "title", "deleted", "source", "models", "first_at", "last_at"),
    *_SUMS,
    "median_tokens_per_second",
)
_MONEY = ("cost", "cache_saving")
_CALL_FIELDS = (
    *("feature", "started_at", "route", "provider", "model", "role", "reason", "outcome"),
    *("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens", "estimated"),
    *("cost", "cache_saving", "price_id"),
    *("first_token", "first_content", "duration", "queue_time", "prompt_time", "completion_time"),
    *("audio_seconds", "characters", "finish_reason", "error_type", "error"),
    *("message_id", "call_id", "request_id", "key_id"),
)
_CALL_COLUMNS = (
    "turn",
    "question",
    *(f"{field}_usd" if field in _MONEY else field for field in _CALL_FIELDS),
)
