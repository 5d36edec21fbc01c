"""Which groups come first, and how many there are; these functions run on the storage worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Float, FromClause, cast, func, select

from core.review.dimensions import TIMES, Dimension
from core.review.group_query import RawKeys, group_query, key_names_of
from core.review.scope import Scope

__all__ = ("GroupOrder", "first_keys")

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
    found = group_query(connection, by, scope, _SORTED_BY[order]).cte("found")
    keys = [found.c[name] for name in key_names_of(by)]
    ordering = [_sortable(connection, key, dimension) for key, dimension in zip(keys, by, strict=True)]
    if order == "key":
        ordering = [key.desc() if descending else key.asc() for key in ordering]
    else:
        measure = _measure(found, order)
        ordering.insert(0, (measure.desc() if descending else measure.asc()).nulls_last())
    # Not by a window, which would have to hold every group beside the first ones.
    count = select(func.count()).select_from(found).scalar_subquery()
    rows = connection.execute(select(*keys, count).order_by(*ordering).limit(limit)).all()
    return [tuple(row[:-1]) for row in rows], rows[0][-1] if rows else 0


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
