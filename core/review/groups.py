"""Spend by any of its dimensions; these functions run on the storage worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, Select, select

from core.costs.ledger_records import Totals
from core.costs.sums import SUMS, sums_of, totals_of
from core.review.dimensions import FIELDS, Dimension, day_of, keys_of
from core.review.scope import Scope, conditions
from core.storage.tables import call_kinds

__all__ = ("Group", "GroupOrder", "Key", "group", "ordered", "totals")

Key = str | date
GroupOrder = Literal["key", "cost", "tokens", "turns", "calls", "speed"]


@dataclass(frozen=True, slots=True)
class Group:
    """The sums of all calls with the same keys.

    Attributes:
        keys: one a dimension: a name, or the (first) day. A session's is its id, empty for calls outside
            of any.
    """

    keys: tuple[Key, ...]
    totals: Totals


def totals(connection: Connection, scope: Scope) -> Totals:
    """The sums of all calls in the scope."""
    return totals_of(connection.execute(select(*SUMS).where(*conditions(connection, scope))).one())


def group(connection: Connection, by: Sequence[Dimension], scope: Scope) -> list[Group]:
    """The sums of the calls in the scope, for each combination of keys, sorted by the keys."""
    found: dict[tuple[Key, ...], Totals] = {}
    for row in connection.execute(_query(connection, by, scope)):
        keys = tuple(map(_key, row, by))
        sums = totals_of(row[len(by) :])
        found[keys] = add(found[keys], sums) if keys in found else sums  # days of one week or month
    return [Group(keys, found[keys]) for keys in sorted(found)]


def ordered(groups: Sequence[Group], order: GroupOrder, *, descending: bool) -> list[Group]:
    """Sorted by their keys or by one of their sums; a speed that is not known comes last."""
    if order == "key":
        return sorted(groups, key=lambda part: part.keys, reverse=descending)
    known = [part for part in groups if _sum(part.totals, order) is not None]
    unknown = [part for part in groups if _sum(part.totals, order) is None]
    return [*sorted(known, key=lambda part: _sum(part.totals, order) or 0, reverse=descending), *unknown]


def add(one: Totals, other: Totals) -> Totals:
    """Both together."""
    return replace(
        one, **{name: getattr(one, name) + getattr(other, name) for name in Totals.__dataclass_fields__}
    )


def _query(connection: Connection, by: Sequence[Dimension], scope: Scope) -> Select[Any]:
    """Sums by numbers first, which is quick, and only then by the words that they stand for."""
    keys = keys_of(connection, by)
    sums = (
        select(*(key.label(name) for name, key in keys.items()), *SUMS)
        .where(*conditions(connection, scope))
        .group_by(*keys.values())
    )
    if "kind_id" not in keys:
        return sums
    parts = sums.subquery()
    words = [call_kinds.c[dimension] if dimension in FIELDS else parts.c[dimension] for dimension in by]
    return (
        select(*words, *sums_of(parts))
        .join_from(parts, call_kinds, call_kinds.c.id == parts.c.kind_id)
        .group_by(*words)
    )


def _key(value: str | int, dimension: Dimension) -> Key:
    return day_of(int(value), dimension) if dimension in ("day", "week", "month") else str(value)


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
