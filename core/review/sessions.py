"""Sessions by what they cost; these functions run on the storage worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, FromClause, Row, func, or_, select

from core.costs.ledger_records import Totals
from core.costs.periods import quarter_start
from core.costs.sums import MEASURES, sum_of, sums_of, totals_of
from core.review.rollups import session_rollup
from core.review.scope import Scope, within
from core.storage.tables import call_kinds, calls, imported_sessions, session_spend, sessions

__all__ = ("LATENCIES", "SessionOrder", "SessionPage", "SessionSpend", "session_page", "session_titles")

SessionOrder = Literal["last_used", "started", "cost", "tokens", "turns", "calls", "duration", "speed"]
MAX_IDS = 10_000
"""Ids that surely fit into one statement."""
LATENCIES = 24
"""How many of a session's latest answers ``SessionSpend.latencies`` tells of."""

_LONGEST = 86_400.0
"""Seconds; no call takes a day."""
_LOOKED_AT = 500
"""The latest calls of a session that its median and latencies are taken from."""
_TIMES = (
    calls.c.started_at,
    calls.c.completion_tokens,
    calls.c.first_token,
    calls.c.first_content,
    calls.c.completion_time,
    calls.c.duration,
)


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
    ids, count = _sorted_ids(connection, scope, order, descending=descending, limit=limit, offset=offset)
    # From here on these alone: to sum up all takes six times as long, and their words were found already.
    wordless = replace(scope, filter=replace(scope.filter, words=""))
    spent = session_rollup(connection, wordless)
    of_these = spent.c.session_id.in_(ids)
    ends = (func.min(spent.c.first_quarter).label("first"), func.max(spent.c.last_quarter).label("last"))
    sums = select(spent.c.session_id, *ends, *sums_of(spent)).where(of_these).group_by(spent.c.session_id)
    rows = {row.session_id: row for row in connection.execute(sums)}
    names, models = _names(connection, ids), _models(connection, spent, of_these)
    times = _times(connection, ids, scope)
    return SessionPage(
        tuple(_session(connection, rows[id_], names, models, times.get(id_, []), scope) for id_ in ids), count
    )


def _sorted_ids(
    connection: Connection, scope: Scope, order: SessionOrder, *, descending: bool, limit: int, offset: int
) -> tuple[list[str], int]:
    """The ids of a page, and how many there are in all."""
    spent = session_rollup(connection, scope)
    key = _sort_key(spent, order)
    count = func.count().over()
    query = (
        select(spent.c.session_id, count)
        .group_by(spent.c.session_id)
        .order_by((key.desc() if descending else key.asc()).nulls_last(), spent.c.session_id.desc())
    )
    rows = connection.execute(query.limit(limit).offset(offset)).all()
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


def _speed(call: Row[Any]) -> float | None:
    """Tokens a second of a call, by the provider's own time where it told it; as ``spend`` has it."""
    seconds = call.completion_time
    if seconds is None and call.duration is not None:
        seconds = call.duration - (call.first_token or 0.0)
    return call.completion_tokens / seconds if call.completion_tokens and seconds and seconds > 0 else None


def _session(
    connection: Connection,
    row: Row[Any],
    names: dict[str, tuple[str, str | None]],
    models: dict[str, tuple[str, ...]],
    times: Sequence[Row[Any]],
    scope: Scope,
) -> SessionSpend:
    title, source = names.get(row.session_id, (None, None))
    speeds = [speed for call in times if (speed := _speed(call)) is not None]
    latencies = [call.first_content for call in times if call.first_content is not None]
    return SessionSpend(
        id=row.session_id,
        title=title,
        source=source,
        totals=totals_of(row[3:]),
        models=models.get(row.session_id, ()),
        first_at=times[0].started_at if 0 < len(times) < _LOOKED_AT else _first_at(connection, row, scope),
        last_at=max(
            (call.started_at + _length(call.duration) for call in times),
            default=quarter_start(row.last),
        ),
        median_speed=median(speeds) if speeds else None,
        latencies=tuple(latencies[-LATENCIES:]),
    )


def _length(seconds: float | None) -> timedelta:
    """Of a call; what a damaged row tells that no call can take is nothing."""
    return timedelta(seconds=seconds) if seconds and 0 < seconds < _LONGEST else timedelta()


def _first_at(connection: Connection, row: Row[Any], scope: Scope) -> datetime:
    """By the index, however many calls there are."""
    if not row.session_id:
        return quarter_start(row.first)
    query = select(func.min(calls.c.started_at)).where(
        calls.c.session_id == row.session_id, calls.c.outcome != "running", *within(scope, calls)
    )
    first: datetime | None = connection.execute(query).scalar_one()
    return first or quarter_start(row.first)


def _times(connection: Connection, ids: Sequence[str], scope: Scope) -> dict[str, list[Row[Any]]]:
    """The latest calls of each of these sessions, oldest first; not of the calls outside of any."""
    within_scope = (calls.c.outcome != "running", *within(scope, calls))
    listed = select(session_spend.c.session_id).where(session_spend.c.session_id.in_([*filter(None, ids)]))
    these = listed.distinct().subquery()
    # By the index, from the latest on, so that it takes no longer of a session with very many.
    oldest = (
        select(calls.c.started_at)
        .where(calls.c.session_id == these.c.session_id, *within_scope)
        .order_by(calls.c.started_at.desc())
        .limit(1)
        .offset(_LOOKED_AT - 1)
        .scalar_subquery()
    )
    # Distinct, though it is anyway: so that it is looked up once a session and not once a call.
    each = select(these.c.session_id, oldest.label("oldest")).distinct().subquery()
    columns: list[ColumnElement[Any]] = [each.c.session_id, *_TIMES]
    query = (
        select(*columns)
        .join_from(each, calls, calls.c.session_id == each.c.session_id)
        .where(or_(each.c.oldest.is_(None), calls.c.started_at >= each.c.oldest), *within_scope)
        .order_by(calls.c.started_at)
    )
    times: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(query):
        times.setdefault(row[0], []).append(row)
    return times


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
