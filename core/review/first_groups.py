"""Which groups come first, and how many there are; these functions run on the storage worker.

Groups by session may be a hundred thousand, and to add them all up to show the dearest takes long. But a
group is a part of its session, and no part costs more than all that was spent in it: so it is enough to
look at the sessions that reach the last group of a page, once any groups are known that fill one. PostgreSQL
adds all up at once in less time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Float, FromClause, Row, case, cast, func, literal, select

from core.costs.sums import sum_of
from core.review.dimensions import FIELDS, TIMES, Dimension, column_name
from core.review.group_query import Among, RawKeys, group_query, key_names_of
from core.review.local_days import first_day
from core.review.rollups import rollup
from core.review.scope import Scope
from core.storage.tables import call_kinds

__all__ = ("MAX_VALUES", "GroupOrder", "first_keys")

GroupOrder = Literal["key", "cost", "tokens", "turns", "calls", "speed"]
MAX_VALUES = 10_000
"""Values that surely fit into one statement."""

_SORTED_BY: Mapping[GroupOrder, tuple[str, ...]] = {
    "key": ("calls",),
    "cost": ("calls", "cost"),
    "tokens": ("calls", "prompt_tokens", "completion_tokens"),
    "turns": ("calls", "turns"),
    "calls": ("calls",),
    "speed": ("calls", "timed_tokens", "generation_time"),
}
"""What has to be summed up to sort by it; and calls, without which there is no group."""
_KINDS = 1 << 31
"""More than there are kinds of calls."""


def first_keys(
    connection: Connection,
    by: Sequence[Dimension],
    scope: Scope,
    order: GroupOrder,
    *,
    descending: bool,
    limit: int,
) -> tuple[list[RawKeys], int]:
    """The keys of a page, and how many groups there are in all; a speed that is not known comes last."""

    def first(among: Among | None = None) -> list[Row[Any]]:
        return _first(connection, by, scope, order, descending=descending, limit=limit, among=among)

    count, among = None, None
    if connection.dialect.name == "sqlite" and _is_led_by_sessions(by, order, descending=descending):
        bounds = _bounds(connection, by, scope, order)
        count = sum(number for _, number, _ in bounds)
        reaching = _by_key(bounds, limit, descending) if order == "key" else _reaching(bounds, limit, first)
        among = None if reaching is None else Among(("session",), [(id_,) for id_ in reaching])
    rows = first(among)
    keys = [tuple(row[: len(by)]) for row in rows]
    return keys, count if count is not None else (rows[0].groups if rows else 0)


def _first(
    connection: Connection,
    by: Sequence[Dimension],
    scope: Scope,
    order: GroupOrder,
    *,
    descending: bool,
    limit: int,
    among: Among | None,
) -> list[Row[Any]]:
    """The first groups among these: keys, the ``measure`` they are sorted by, and how many ``groups``."""
    found = group_query(connection, by, scope, _SORTED_BY[order], among).subquery()
    keys = [found.c[name] for name in key_names_of(by)]
    ordering = [_sortable(connection, key, dimension) for key, dimension in zip(keys, by, strict=True)]
    measure = _measure(found, order)
    if order == "key":
        ordering = [key.desc() if descending else key.asc() for key in ordering]
    else:
        ordering.insert(0, (measure.desc() if descending else measure.asc()).nulls_last())
    query = select(*keys, measure.label("measure"), func.count().over().label("groups"))
    return [*connection.execute(query.order_by(*ordering).limit(limit))]


def _measure(sums: FromClause, order: GroupOrder) -> ColumnElement[Any]:
    match order:
        case "key":
            return sums.c.calls
        case "tokens":
            return sums.c.prompt_tokens + sums.c.completion_tokens
        case "speed":
            return cast(sums.c.timed_tokens, Float(53)) / func.nullif(sums.c.generation_time, 0)
        case _:
            return sums.c[order]


def _sortable(connection: Connection, key: ColumnElement[Any], dimension: Dimension) -> ColumnElement[Any]:
    """Text by its code points on every database."""
    by_code_points = dimension not in TIMES and connection.dialect.name == "postgresql"
    return key.collate("C") if by_code_points else key


# Sessions that reach a page

_Bound = tuple[str, int, int]
"""A session, how many groups it has, and what none of them is above."""


def _is_led_by_sessions(by: Sequence[Dimension], order: GroupOrder, *, descending: bool) -> bool:
    """Whether the sums of sessions tell anything: where the greatest come first, and where ids do.

    A speed is no sum: almost every session has had a fast call.
    """
    if "session" not in by or len(by) == 1 or order == "speed" or len(set(by).intersection(TIMES)) > 1:
        return False
    return by[0] == "session" if order == "key" else descending


def _by_key(bounds: Sequence[_Bound], limit: int, descending: bool) -> list[str] | None:
    """As many sessions as there are groups on the page: each has one at least."""
    ids = sorted((id_ for id_, _, _ in bounds), reverse=descending)
    return ids[:limit] if min(limit, len(ids)) <= MAX_VALUES else None


def _reaching(
    bounds: Sequence[_Bound], limit: int, first: Callable[[Among], list[Row[Any]]]
) -> list[str] | None:
    """All sessions that may have a group on the page; ``None`` where that would be too many to name."""
    by_bound = sorted(bounds, key=lambda bound: bound[2], reverse=True)
    if limit > min(len(by_bound), MAX_VALUES):
        return None
    page = first(Among(("session",), [(id_,) for id_, _, _ in by_bound[:limit]]))
    if len(page) < limit:
        return None
    reaching = [id_ for id_, _, most in by_bound if most >= page[-1].measure]
    return reaching if len(reaching) <= MAX_VALUES else None


def _bounds(connection: Connection, by: Sequence[Dimension], scope: Scope, order: GroupOrder) -> list[_Bound]:
    """For each session in the scope."""
    rows = rollup(connection, scope, by)
    of_session = rows.c.session_id
    source: FromClause = rows
    numbers: list[ColumnElement[Any]] = []
    if fields := [call_kinds.c[column_name(each)] for each in FIELDS if each in by]:
        number = func.min(call_kinds.c.id).over(partition_by=fields).label("number")
        kinds = select(call_kinds.c.id, number).subquery()
        # Every row has its kind; an outer join keeps SQLite from beginning with kinds and sorting sessions.
        source = rows.outerjoin(kinds, kinds.c.id == rows.c.kind_id)
        numbers.append(kinds.c.number)
    if times := [each for each in by if each in TIMES]:
        numbers.append(first_day(rows.c.day, times[0]) * literal(_KINDS))
    groups = func.count(func.distinct(sum(numbers[1:], start=numbers[0]))) if numbers else literal(1)
    measure = _measure(rows, order)
    most = sum_of(case((measure > 0, measure), else_=0))
    query = select(of_session, groups, most).select_from(source).group_by(of_session)
    return [(id_, number, most) for id_, number, most in connection.execute(query)]
