"""Spend by any of its dimensions; these functions run on the storage worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from operator import add
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, FromClause, Select, select

from core.costs.ledger_records import Totals
from core.costs.sums import Sums, sum_of, sums_of, totals_of
from core.review.dimensions import FIELDS, TIMES, Dimension, day_of
from core.review.rollups import rollup
from core.review.scope import Scope
from core.storage.tables import call_kinds

__all__ = ("Group", "GroupOrder", "Key", "group", "ordered", "totals")

Key = str | date
GroupOrder = Literal["key", "cost", "tokens", "turns", "calls", "speed"]


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


def totals(connection: Connection, scope: Scope) -> Totals:
    """The sums of all calls in the scope."""
    return totals_of(connection.execute(select(*sums_of(rollup(connection, scope)))).one())


def group(connection: Connection, by: Sequence[Dimension], scope: Scope) -> list[Group]:
    """The sums of the calls in the scope, for each combination of keys, sorted by the keys."""
    found: dict[tuple[Key, ...], Sums] = {}
    rows = connection.execute(_query(connection, by, scope))
    if not set(by).intersection(TIMES):
        return sorted((Group(tuple(row[: len(by)]), row[len(by) :]) for row in rows), key=_keys)
    for row in rows:
        keys = tuple(map(_key, row, by))
        sums = row[len(by) :]
        found[keys] = _added(found[keys], sums) if keys in found else sums  # days of one week or month
    return sorted((Group(keys, sums) for keys, sums in found.items()), key=_keys)


def ordered(groups: Sequence[Group], order: GroupOrder, *, descending: bool) -> list[Group]:
    """Sorted by their keys or by one of their sums; a speed that is not known comes last."""
    if order == "key":
        return sorted(groups, key=lambda part: part.keys, reverse=descending)
    known = [part for part in groups if _sum(part.totals, order) is not None]
    unknown = [part for part in groups if _sum(part.totals, order) is None]
    return [*sorted(known, key=lambda part: _sum(part.totals, order) or 0, reverse=descending), *unknown]


def _query(connection: Connection, by: Sequence[Dimension], scope: Scope) -> Select[Any]:
    rows = rollup(connection, scope, by)
    keys = [_column(rows, dimension) for dimension in by]
    query = select(*keys, *sums_of(rows)).group_by(*keys).having(sum_of(rows.c.calls) != 0)
    if not set(by).intersection(FIELDS):
        return query
    return query.join_from(rows, call_kinds, call_kinds.c.id == rows.c.kind_id)


def _column(rows: FromClause, dimension: Dimension) -> ColumnElement[Any]:
    if dimension in FIELDS:
        return call_kinds.c[dimension]
    return rows.c.session_id if dimension == "session" else rows.c.day


def _keys(part: Group) -> tuple[Key, ...]:
    return part.keys


def _key(value: str | int, dimension: Dimension) -> Key:
    return day_of(int(value), dimension) if dimension in TIMES else str(value)


def _added(one: Sums, other: Sums) -> Sums:
    return tuple(map(add, one, other))


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
