"""When the calls of sessions were and how fast, from sums in SQL; on the storage worker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Float,
    Select,
    and_,
    case,
    cast,
    func,
    or_,
    select,
    type_coerce,
)

from core.review.scope import Scope, within
from core.storage.tables import calls
from core.storage.types import UtcTime

__all__ = ("LATENCIES", "SessionTimes", "latencies_of", "times_of")

LATENCIES = 24
"""How many of a session's latest answers ``latencies_of`` tells of."""

_LONGEST = 86_400.0
"""Seconds; no call takes a day."""
_SHORTEST = 0.000001
"""Seconds that an answer takes at least; the sums are kept in these."""
_LOOKED_AT = 500
"""The latest calls of a session that are looked at, so that it takes no longer of one with very many."""


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """Of one session, within a scope.

    Attributes:
        first_at: when its first call started; ``last_at`` when the last one ended.
        median_speed: tokens a second, of the latest calls; ``None`` where none was timed.
    """

    first_at: datetime
    last_at: datetime
    median_speed: float | None


def times_of(connection: Connection, numbers: dict[str, int], scope: Scope) -> dict[str, SessionTimes]:
    """The times of sessions that have calls with a time.

    Args:
        connection: reads.
        numbers: by session, how many calls it has in the scope.
        scope: the calls that are looked at; its filter does not matter.
    """
    found: dict[str, SessionTimes] = {}
    for source in _latest(numbers, scope):
        rows = connection.execute(_times(source)).all()
        found |= {row.session_id: SessionTimes(row.first_at, row.last_at, row.median_speed) for row in rows}
    for id_ in _with_many(numbers):
        if id_ in found:
            times = found[id_]
            first_at: datetime = connection.execute(_first_at(id_, scope)).scalar_one()
            found[id_] = SessionTimes(first_at, times.last_at, times.median_speed)
    return found


def latencies_of(
    connection: Connection, numbers: dict[str, int], scope: Scope
) -> dict[str, tuple[float, ...]]:
    """Seconds to the first piece of each of the latest answers of sessions, oldest first; as ``times_of``."""
    found: dict[str, list[float]] = {}
    for source in _latest(numbers, scope):
        for session_id, latency in connection.execute(_latencies(source)):
            found.setdefault(session_id, []).append(latency)
    return {session_id: tuple(latencies) for session_id, latencies in found.items()}


def _with_many(numbers: dict[str, int]) -> Iterable[str]:
    return (id_ for id_, number in numbers.items() if id_ and number > _LOOKED_AT)


def _latest(numbers: dict[str, int], scope: Scope) -> Iterable[Select[Any]]:
    """The calls to look at: of sessions with few all at once, of each with many its latest."""
    few = [id_ for id_, number in numbers.items() if id_ and number <= _LOOKED_AT]
    if few:
        yield _ended(scope).where(calls.c.session_id.in_(few))
    for id_ in _with_many(numbers):
        newest = (calls.c.started_at.desc(), calls.c.call_id.desc())
        yield _ended(scope).where(calls.c.session_id == id_).order_by(*newest).limit(_LOOKED_AT)


def _ended(scope: Scope) -> Select[Any]:
    microseconds = case(
        (and_(calls.c.duration > 0, calls.c.duration < _LONGEST), func.round(calls.c.duration * 1_000_000)),
        else_=0,
    )
    return select(
        calls.c.session_id,
        calls.c.call_id,
        calls.c.started_at,
        (type_coerce(calls.c.started_at, BigInteger) + cast(microseconds, BigInteger)).label("ended_at"),
        calls.c.first_content,
        _speed().label("speed"),
    ).where(calls.c.outcome != "running", *within(scope, calls))


def _speed() -> ColumnElement[float | None]:
    """Tokens a second of a call, by the provider's own time where it told it; as ``spend`` has it.

    A time next to nothing counts as the least that ``spend`` keeps: PostgreSQL takes no endless speed.
    """
    seconds = func.coalesce(calls.c.completion_time, calls.c.duration - func.coalesce(calls.c.first_token, 0))
    is_timed = and_(calls.c.completion_tokens > 0, seconds > 0, seconds < _LONGEST)
    told = case((seconds < _SHORTEST, _SHORTEST), else_=seconds)
    return case((is_timed, cast(calls.c.completion_tokens, Float(53)) / told))


def _times(source: Select[Any]) -> Select[Any]:
    """A row a session; a median is the middle of the speeds by rank, or the mean of both in the middle."""
    each = source.subquery()
    of_session = each.c.session_id
    rank = func.row_number().over(partition_by=of_session, order_by=each.c.speed.desc().nulls_last())
    speeds = func.count(each.c.speed).over(partition_by=of_session)
    ranked = select(each, rank.label("rank"), speeds.label("speeds")).subquery()
    is_middle = or_(
        ranked.c.rank == (ranked.c.speeds + 1) // 2,
        ranked.c.rank == (ranked.c.speeds + 2) // 2,
    )
    return select(
        ranked.c.session_id,
        func.min(ranked.c.started_at).label("first_at"),
        type_coerce(func.max(ranked.c.ended_at), UtcTime).label("last_at"),
        func.avg(case((is_middle, ranked.c.speed)), type_=Float).label("median_speed"),
    ).group_by(ranked.c.session_id)


def _latencies(source: Select[Any]) -> Select[Any]:
    each = source.subquery()
    newest = (each.c.started_at.desc(), each.c.call_id.desc())
    rank = func.row_number().over(partition_by=each.c.session_id, order_by=newest).label("rank")
    ranked = select(each, rank).where(each.c.first_content.is_not(None)).subquery()
    query = select(ranked.c.session_id, ranked.c.first_content).where(ranked.c.rank <= LATENCIES)
    return query.order_by(ranked.c.session_id, ranked.c.rank.desc())


def _first_at(session_id: str, scope: Scope) -> Select[Any]:
    """By the index, however many calls there are."""
    return select(func.min(calls.c.started_at)).where(
        calls.c.session_id == session_id, calls.c.outcome != "running", *within(scope, calls)
    )
