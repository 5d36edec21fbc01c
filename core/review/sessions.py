"""Sessions by what they cost; these functions run on the storage worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, FromClause, Row, func, select

from core.costs.ledger_records import Totals
from core.costs.periods import quarter_start
from core.costs.sums import MEASURES, sum_of, sums_of, totals_of
from core.review.rollups import session_rollup
from core.review.scope import Scope
from core.review.session_times import SessionTimes, latencies_of, times_of
from core.storage.tables import call_kinds, imported_sessions, sessions

__all__ = (
    "MAX_IDS",
    "SessionOrder",
    "SessionPage",
    "SessionSpend",
    "session_page",
    "session_titles",
    "sessions_of",
    "sorted_ids",
)

SessionOrder = Literal["last_used", "started", "cost", "tokens", "turns", "calls", "duration", "speed"]
MAX_IDS = 10_000
"""Ids that surely fit into one statement."""


@dataclass(frozen=True, slots=True)
class SessionSpend:
    """What one session cost within the scope.

    Attributes:
        id: of the session; empty for the calls outside of any.
        title: ``None`` where the session was deleted, which leaves its calls.
        source: the program it was imported from; ``None`` for our own.
        models: that answered, the one with the most tokens first.
        first_at: when its first call started; ``last_at`` when the last one ended.
        median_speed: tokens a second, of the latest calls.
        latencies: seconds to the first piece of each of the latest answers, oldest first.
        is_rounded: both times are known to the quarter of an hour alone that a call started in.
    """

    id: str
    title: str | None
    source: str | None
    totals: Totals
    models: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    median_speed: float | None = None
    latencies: tuple[float, ...] = ()
    is_rounded: bool = False

    @property
    def is_deleted(self) -> bool:
        """Whether there was a session, of which the calls alone are left."""
        return bool(self.id) and self.title is None

    @property
    def duration(self) -> timedelta:
        """From the first call to the end of the last."""
        return self.last_at - self.first_at


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some of the sessions, and how many there are."""

    sessions: tuple[SessionSpend, ...]
    count: int


def session_page(
    connection: Connection, scope: Scope, order: SessionOrder, *, descending: bool, limit: int, offset: int
) -> SessionPage:
    """Sessions with calls in the scope, sorted over all of them."""
    ids, count = sorted_ids(connection, scope, order, descending=descending, limit=limit, offset=offset)
    return SessionPage(tuple(sessions_of(connection, ids, scope, with_latencies=True)), count)


def sessions_of(
    connection: Connection, ids: Sequence[str], scope: Scope, *, with_latencies: bool
) -> list[SessionSpend]:
    """What each of these sessions cost within the scope, in their order; at most ``MAX_IDS``."""
    # These alone: to sum up all takes six times as long, and their words were found already.
    wordless = replace(scope, filter=replace(scope.filter, words=""))
    spent = session_rollup(connection, wordless)
    of_these = spent.c.session_id.in_(ids)
    ends = (func.min(spent.c.first_quarter).label("first"), func.max(spent.c.last_quarter).label("last"))
    sums = select(spent.c.session_id, *ends, *sums_of(spent)).where(of_these).group_by(spent.c.session_id)
    rows = {row.session_id: row for row in connection.execute(sums)}
    names, models = _names(connection, ids), _models(connection, spent, of_these)
    numbers = {id_: int(rows[id_].calls) for id_ in ids}
    times = times_of(connection, numbers, scope)
    latencies = latencies_of(connection, numbers, scope) if with_latencies else {}
    return [_session(rows[id_], names, models, times.get(id_), latencies.get(id_, ())) for id_ in ids]


def sorted_ids(
    connection: Connection,
    scope: Scope,
    order: SessionOrder,
    *,
    descending: bool,
    limit: int | None,
    offset: int = 0,
) -> tuple[list[str], int]:
    """The ids of a page, and how many there are in all; of all sessions where there is no limit."""
    spent = session_rollup(connection, scope)
    key = _sort_key(spent, order)
    count = func.count().over()
    query = (
        select(spent.c.session_id, count)
        .group_by(spent.c.session_id)
        .order_by((key.desc() if descending else key.asc()).nulls_last(), spent.c.session_id.desc())
    )
    rows = connection.execute(query.limit(limit).offset(offset or None)).all()
    if not rows and offset:  # beyond the last
        rows_before = connection.execute(query.limit(1)).all()
        return [], rows_before[0][1] if rows_before else 0
    return [row[0] for row in rows], rows[0][1] if rows else 0


def _sort_key(spent: FromClause, order: SessionOrder) -> ColumnElement[Any]:
    sums = {name: sum_of(spent.c[name]) for name in MEASURES}
    first, last = func.min(spent.c.first_quarter), func.max(spent.c.last_quarter)
    match order:
        case "last_used":
            return last
        case "started":
            return first
        case "duration":
            return last - first
        case "tokens":
            return sums["prompt_tokens"] + sums["completion_tokens"]
        case "speed":
            return sums["timed_tokens"] * 1_000_000 / func.nullif(sums["generation_time"], 0)
        case _:
            return sums[order]


def session_titles(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The titles of those sessions that were not deleted."""
    titles: dict[str, str] = {}
    for start in range(0, len(ids), MAX_IDS):
        names = _names(connection, ids[start : start + MAX_IDS])
        titles |= {id_: title for id_, (title, _) in names.items()}
    return titles


def _session(
    row: Row[Any],
    names: dict[str, tuple[str, str | None]],
    models: dict[str, tuple[str, ...]],
    times: SessionTimes | None,
    latencies: tuple[float, ...],
) -> SessionSpend:
    """Where no call has a time, as outside of sessions, what the quarters of an hour tell."""
    title, source = names.get(row.session_id, (None, None))
    known = times or SessionTimes(quarter_start(row.first), quarter_start(row.last), None)
    return SessionSpend(
        id=row.session_id,
        title=title,
        source=source,
        totals=totals_of(row[3:]),
        models=models.get(row.session_id, ()),
        first_at=known.first_at,
        last_at=known.last_at,
        median_speed=known.median_speed,
        latencies=latencies,
        is_rounded=times is None,
    )


def _names(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    own = connection.execute(select(sessions.c.id, sessions.c.title).where(sessions.c.id.in_(ids)))
    imported = connection.execute(
        select(imported_sessions.c.session_id, imported_sessions.c.title, imported_sessions.c.source).where(
            imported_sessions.c.session_id.in_(ids)
        )
    )
    names: dict[str, tuple[str, str | None]] = {row[0]: (row[1], row[2]) for row in imported}
    return names | {row[0]: (row[1], None) for row in own}


def _models(
    connection: Connection, spent: FromClause, of_these: ColumnElement[bool]
) -> dict[str, tuple[str, ...]]:
    tokens = sum_of(spent.c.prompt_tokens) + sum_of(spent.c.completion_tokens)
    query = (
        select(spent.c.session_id, call_kinds.c.model)
        .join_from(spent, call_kinds, call_kinds.c.id == spent.c.kind_id)
        .where(of_these)
        .group_by(spent.c.session_id, call_kinds.c.model)
        .order_by(tokens.desc())
    )
    models: dict[str, tuple[str, ...]] = {}
    for session_id, model in connection.execute(query):
        models[session_id] = (*models.get(session_id, ()), model)
    return models
