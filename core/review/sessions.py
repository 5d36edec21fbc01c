"""Sessions by what they cost; these functions run on the storage worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, func, select

from core.costs.ledger_records import Totals
from core.costs.periods import quarter_start
from core.costs.sums import SUMS, totals_of
from core.review.scope import Scope, conditions, within
from core.storage.tables import call_kinds, calls, imported_sessions, sessions, spend

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
_FIRST, _LAST = func.min(spend.c.quarter), func.max(spend.c.quarter)
_ORDERS: dict[SessionOrder, ColumnElement[Any]] = {
    "last_used": _LAST,
    "started": _FIRST,
    "cost": func.sum(spend.c.cost),
    "tokens": func.sum(spend.c.prompt_tokens + spend.c.completion_tokens),
    "turns": SUMS[1],
    "calls": func.sum(spend.c.calls),
    "duration": _LAST - _FIRST,
    "speed": func.sum(spend.c.timed_tokens) * 1_000_000 / func.nullif(func.sum(spend.c.generation_time), 0),
}


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
    found = conditions(connection, scope)
    key = _ORDERS[order]
    sorted_ids = (
        select(spend.c.session_id)
        .where(*found)
        .group_by(spend.c.session_id)
        .order_by((key.desc() if descending else key.asc()).nulls_last(), spend.c.session_id.desc())
    )
    ids = connection.execute(sorted_ids.limit(limit).offset(offset)).scalars().all()
    # From here on these alone: to sum up all takes six times as long, and their words were found already.
    of_these = [
        spend.c.session_id.in_(ids),
        *conditions(connection, replace(scope, filter=replace(scope.filter, words=""))),
    ]
    sums = (
        select(spend.c.session_id, _FIRST.label("first"), _LAST.label("last"), *SUMS)
        .where(*of_these)
        .group_by(spend.c.session_id)
    )
    rows = {row.session_id: row for row in connection.execute(sums)}
    names, models = _names(connection, ids), _models(connection, of_these)
    each = select(spend.c.session_id).where(*found).group_by(spend.c.session_id).subquery()
    return SessionPage(
        tuple(_session(connection, rows[session_id], names, models, scope) for session_id in ids),
        int(connection.execute(select(func.count()).select_from(each)).scalar_one()),
    )


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
    scope: Scope,
) -> SessionSpend:
    title, source = names.get(row.session_id, (None, None))
    times = _times(connection, row.session_id, scope) if row.session_id else []
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


def _times(connection: Connection, session_id: str, scope: Scope) -> list[Row[Any]]:
    """The latest calls, oldest first."""
    query = (
        select(*_TIMES)
        .where(calls.c.session_id == session_id, calls.c.outcome != "running", *within(scope, calls))
        .order_by(calls.c.started_at.desc())
        .limit(_LOOKED_AT)
    )
    return [*connection.execute(query)][::-1]


def _names(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    own = connection.execute(select(sessions.c.id, sessions.c.title).where(sessions.c.id.in_(ids)))
    imported = connection.execute(
        select(imported_sessions.c.session_id, imported_sessions.c.title, imported_sessions.c.source).where(
            imported_sessions.c.session_id.in_(ids)
        )
    )
    names: dict[str, tuple[str, str | None]] = {row[0]: (row[1], row[2]) for row in imported}
    return names | {row[0]: (row[1], None) for row in own}


def _models(connection: Connection, found: Sequence[ColumnElement[bool]]) -> dict[str, tuple[str, ...]]:
    tokens = func.sum(spend.c.prompt_tokens + spend.c.completion_tokens)
    query = (
        select(spend.c.session_id, call_kinds.c.model)
        .join(call_kinds, call_kinds.c.id == spend.c.kind_id)
        .where(*found)
        .group_by(spend.c.session_id, call_kinds.c.model)
        .order_by(tokens.desc())
    )
    models: dict[str, tuple[str, ...]] = {}
    for session_id, model in connection.execute(query):
        models[session_id] = (*models.get(session_id, ()), model)
    return models
