"""Sums by dimensions as SQL: a row a combination of keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, select, tuple_

from core.costs.sums import sum_of
from core.review.dimensions import FIELDS, TIMES, Dimension, column_name, day_of
from core.review.local_days import first_day
from core.review.rollups import rollup
from core.review.scope import Scope
from core.storage.tables import call_kinds

__all__ = ("Among", "Key", "RawKeys", "group_query", "key_names_of", "keys_of")

Key = str | date
RawKeys = tuple[str | int, ...]
"""As the database has them: days by their numbers."""


@dataclass(frozen=True, slots=True)
class Among:
    """Only the rows with these keys, of dimensions that are no weeks or months."""

    by: Sequence[Dimension]
    keys: Sequence[RawKeys]

    def holds(self, rows: FromClause) -> ColumnElement[bool]:
        """For rows of ``rollup``."""
        columns = [_key(rows, dimension) for dimension in self.by]
        if len(columns) == 1:
            return columns[0].in_([key for (key,) in self.keys])
        return tuple_(*columns).in_(self.keys)


def group_query(
    connection: Connection,
    by: Sequence[Dimension],
    scope: Scope,
    measures: Sequence[str],
    among: Among | None = None,
) -> Select[Any]:
    """The keys of each group, named as by ``key_names_of``, and sums of these measures."""
    rows = rollup(connection, scope, by)
    # Weeks and months are worked out of days that are summed up already: once a day, not once a row.
    in_days = any(dimension in ("week", "month") for dimension in by)
    keys = [rows.c.day if in_days and each in TIMES else _key(rows, each) for each in by]
    query = _summed(rows, by, keys, measures)
    if among is not None:
        query = query.where(among.holds(rows))
    if set(by).intersection(FIELDS):
        query = query.join_from(rows, call_kinds, call_kinds.c.id == rows.c.kind_id)
    if in_days:
        days = query.subquery()
        query = _summed(days, by, [_of_calendar(days, *each) for each in enumerate(by)], measures)
    return query


def key_names_of(by: Sequence[Dimension]) -> list[str]:
    """What the columns with the keys are called."""
    return [f"key_{number}" for number in range(len(by))]


def keys_of(raw: Sequence[str | int], by: Sequence[Dimension]) -> tuple[Key, ...]:
    """The keys in a row: names, and days."""
    return tuple(
        day_of(int(key)) if dimension in TIMES else str(key) for key, dimension in zip(raw, by, strict=True)
    )


def _summed(
    rows: FromClause, by: Sequence[Dimension], keys: Sequence[ColumnElement[Any]], measures: Sequence[str]
) -> Select[Any]:
    named = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    # Sessions before all else, as the tables are sorted: so grouping them takes half the time.
    grouped = sorted(zip(by, named, strict=True), key=lambda pair: pair[0] != "session")
    sums = [sum_of(rows.c[name]).label(name) for name in measures]
    query = select(*named, *sums).group_by(*(key for _, key in grouped))
    return query.having(sum_of(rows.c.calls) != 0)


def _key(rows: FromClause, dimension: Dimension) -> ColumnElement[Any]:
    match dimension:
        case "session":
            return rows.c.session_id
        case "day" | "week" | "month":
            return first_day(rows.c.day, dimension)
        case _:
            return call_kinds.c[column_name(dimension)]


def _of_calendar(days: FromClause, number: int, dimension: Dimension) -> ColumnElement[Any]:
    key = days.c[f"key_{number}"]
    return first_day(key, dimension) if dimension in TIMES else key
