"""Spend by any of its dimensions; these functions run on the storage worker."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Float, FromClause, Row, Select, cast, func, select

from core.costs.ledger_records import Totals
from core.costs.sums import MEASURES, Sums, sum_of, sums_of, totals_of
from core.review.dimensions import FIELDS, TIMES, Dimension, day_of
from core.review.local_days import first_day
from core.review.rollups import rollup
from core.review.scope import Scope
from core.storage.tables import call_kinds

__all__ = ("Group", "GroupOrder", "GroupPage", "Key", "group", "group_page", "totals")

Key = str | date
GroupOrder = Literal["key", "cost", "tokens", "turns", "calls", "speed"]
_SORTED_BY: Mapping[GroupOrder, tuple[str, ...]] = {
    "key": ("calls",),
    "cost": ("calls", "cost"),
    "tokens": ("calls", "prompt_tokens", "completion_tokens"),
    "turns": ("calls", "turns"),
    "calls": ("calls",),
    "speed": ("calls", "timed_tokens", "generation_time"),
}
"""What has to be summed up to sort by it; and calls, without which there is no group."""


@dataclass(frozen=True)
class Group:
    """The sums of all calls with the same keys.

    Attributes:
        keys: one a dimension: a name, or the (first) day. A session's is its id, empty for calls outside
            of any.
        sums: in the units of the database.
    """

    keys: tuple[Key, ...]
    sums: Sums

    @cached_property
    def totals(self) -> Totals:
        """The sums; made when they are looked at, since of very many groups few are."""
        return totals_of(self.sums)


@dataclass(frozen=True, slots=True)
class GroupPage:
    """The first of the groups.

    Attributes:
        count: how many there are in all.
        totals: the sums over all of them.
    """

    groups: tuple[Group, ...]
    count: int
    totals: Totals


def totals(connection: Connection, scope: Scope) -> Totals:
    """The sums of all calls in the scope."""
    return totals_of(connection.execute(select(*sums_of(rollup(connection, scope)))).one())


def group(connection: Connection, by: Sequence[Dimension], scope: Scope) -> list[Group]:
    """The sums of the calls in the scope, for each combination of keys, sorted by the keys."""
    return sorted(_groups(connection, by, scope), key=_keys)


def group_page(
    connection: Connection,
    by: Sequence[Dimension],
    scope: Scope,
    order: GroupOrder,
    *,
    descending: bool,
    limit: int | None,
) -> GroupPage:
    """The first groups by their keys or by one of their sums; a speed that is not known comes last.

    With sessions there may be very many: which come first is found by the one sum they are sorted by, and
    all sums are added up for those alone.
    """
    sums = totals(connection, scope)
    if limit is None or "session" not in by:
        groups = _ordered(group(connection, by, scope), order, descending=descending)
        return GroupPage(tuple(groups[:limit]), len(groups), sums)
    first, count = _first_keys(connection, by, scope, order, descending=descending, limit=limit)
    sessions = {str(keys[by.index("session")]) for keys in first}
    found = {part.keys: part for part in _groups(connection, by, scope, sessions)}
    return GroupPage(tuple(found[keys] for keys in first), count, sums)


def _ordered(groups: Sequence[Group], order: GroupOrder, *, descending: bool) -> list[Group]:
    """Of groups that are sorted by their keys."""
    if order == "key":
        return list(reversed(groups)) if descending else list(groups)
    known = [part for part in groups if _sum(part.totals, order) is not None]
    unknown = [part for part in groups if _sum(part.totals, order) is None]
    return [*sorted(known, key=lambda part: _sum(part.totals, order) or 0, reverse=descending), *unknown]


def _groups(
    connection: Connection, by: Sequence[Dimension], scope: Scope, sessions: Collection[str] | None = None
) -> Iterator[Group]:
    rows = connection.execute(_query(connection, by, scope, MEASURES, sessions))
    return (Group(_converted(row, by), row[len(by) :]) for row in rows)


def _first_keys(
    connection: Connection,
    by: Sequence[Dimension],
    scope: Scope,
    order: GroupOrder,
    *,
    descending: bool,
    limit: int,
) -> tuple[list[tuple[Key, ...]], int]:
    """The keys of a page, and how many groups there are in all."""
    found = _query(connection, by, scope, _SORTED_BY[order]).subquery()
    keys = [found.c[f"key_{number}"] for number in range(len(by))]
    ordering = [_sortable(connection, key, dimension) for key, dimension in zip(keys, by, strict=True)]
    if order == "key":
        ordering = [key.desc() if descending else key.asc() for key in ordering]
    else:
        measure = _measure(found, order)
        ordering.insert(0, (measure.desc() if descending else measure.asc()).nulls_last())
    query = select(*keys, func.count().over()).order_by(*ordering).limit(limit)
    rows: list[Row[Any]] = [*connection.execute(query)]
    return [_converted(row, by) for row in rows], rows[0][-1] if rows else 0


def _measure(sums: FromClause, order: GroupOrder) -> ColumnElement[Any]:
    match order:
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


def _query(
    connection: Connection,
    by: Sequence[Dimension],
    scope: Scope,
    measures: Sequence[str],
    sessions: Collection[str] | None = None,
) -> Select[Any]:
    """A row a combination of keys, ``key_0`` and so on, with sums of these measures; of these sessions."""
    rows = rollup(connection, scope, by)
    wanted = [] if sessions is None else [rows.c.session_id.in_(sessions)]
    query = _summed(rows, [_column(rows, dimension) for dimension in by], measures).where(*wanted)
    if set(by).intersection(FIELDS):
        query = query.join_from(rows, call_kinds, call_kinds.c.id == rows.c.kind_id)
    if set(by).intersection(TIMES):  # days, so far: so what they are part of is worked out once a day
        days = query.subquery()
        query = _summed(days, [_of_calendar(days, *each) for each in enumerate(by)], measures)
    return query


def _summed(rows: FromClause, keys: Sequence[ColumnElement[Any]], measures: Sequence[str]) -> Select[Any]:
    named = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    sums = [sum_of(rows.c[name]).label(name) for name in measures]
    return select(*named, *sums).group_by(*named).having(sum_of(rows.c.calls) != 0)


def _column(rows: FromClause, dimension: Dimension) -> ColumnElement[Any]:
    if dimension in FIELDS:
        return call_kinds.c[dimension]
    return rows.c.session_id if dimension == "session" else rows.c.day


def _of_calendar(days: FromClause, number: int, dimension: Dimension) -> ColumnElement[Any]:
    key = days.c[f"key_{number}"]
    return first_day(key, dimension) if dimension in TIMES else key


def _keys(part: Group) -> tuple[Key, ...]:
    return part.keys


def _converted(row: Row[Any], by: Sequence[Dimension]) -> tuple[Key, ...]:
    return tuple(map(_key, row, by))


def _key(value: str | int, dimension: Dimension) -> Key:
    return day_of(int(value)) if dimension in TIMES else str(value)


def _sum(totals: Totals, order: GroupOrder) -> Decimal | float | None:
    match order:
        case "cost":
            return totals.cost
        case "tokens":
            return totals.total_tokens
        case "turns":
            return totals.turns
        case "speed":
            return totals.tokens_per_second
        case _:
            return totals.calls
