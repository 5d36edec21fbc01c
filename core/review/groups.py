"""Spend by any of its dimensions; these functions run on the storage worker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection, select

from core.costs.ledger_records import Totals
from core.costs.sums import MEASURES, Sums, added, sums_of, totals_of
from core.review.dimensions import Dimension
from core.review.first_groups import GroupOrder, first_keys
from core.review.group_query import Among, Key, RawKeys, group_query, keys_of
from core.review.rollups import rollup
from core.review.scope import Scope

__all__ = ("Group", "GroupOrder", "GroupPage", "Key", "group", "group_page", "totals")

_MAX_VALUES = 10_000
"""Values that surely fit into one statement."""


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

    Which come first is found by the one sum they are sorted by, and all sums are added up for those alone.
    """
    if limit is None:
        groups = _ordered(group(connection, by, scope), order, descending=descending)
        return GroupPage(tuple(groups), len(groups), totals_of(added(part.sums for part in groups)))
    first, count = first_keys(connection, by, scope, order, descending=descending, limit=limit)
    found = {part.keys: part for part in _groups(connection, by, scope, _among(connection, by, first))}
    groups = [found[keys_of(keys, by)] for keys in first]
    is_all = count == len(groups)
    sums = totals_of(added(part.sums for part in groups)) if is_all else totals(connection, scope)
    return GroupPage(tuple(groups), count, sums)


def _among(connection: Connection, by: Sequence[Dimension], first: Sequence[RawKeys]) -> Among | None:
    """What leaves out most other groups; ``None`` where nothing can be left out."""
    if "session" in by:
        at = by.index("session")
        sessions = {keys[at] for keys in first}
        return Among(("session",), [(id_,) for id_ in sessions]) if len(sessions) <= _MAX_VALUES else None
    told = [number for number, dimension in enumerate(by) if dimension not in ("week", "month")]
    # PostgreSQL would compare each row with every key.
    if not told or len(first) * len(told) > _MAX_VALUES or connection.dialect.name == "postgresql":
        return None
    keys = {tuple(keys[number] for number in told) for keys in first}
    return Among([by[number] for number in told], list(keys))


def _ordered(groups: Sequence[Group], order: GroupOrder, *, descending: bool) -> list[Group]:
    """Of groups that are sorted by their keys."""
    if order == "key":
        return list(reversed(groups)) if descending else list(groups)
    measures = [(_measure(part.sums, order), part) for part in groups]
    known = [(measure, part) for measure, part in measures if measure is not None]
    known.sort(key=lambda pair: pair[0], reverse=descending)
    return [part for _, part in known] + [part for measure, part in measures if measure is None]


def _groups(
    connection: Connection, by: Sequence[Dimension], scope: Scope, among: Among | None = None
) -> Iterator[Group]:
    rows = connection.execute(group_query(connection, by, scope, MEASURES, among))
    return (Group(keys_of(row[: len(by)], by), row[len(by) :]) for row in rows)


def _keys(part: Group) -> tuple[Key, ...]:
    return part.keys


def _measure(sums: Sums, order: GroupOrder) -> float | None:
    """A whole number but for a speed, which is not known of what took no time."""
    named = dict(zip(MEASURES, sums, strict=True))
    match order:
        case "tokens":
            return named["prompt_tokens"] + named["completion_tokens"]
        case "speed":
            seconds = named["generation_time"]
            return named["timed_tokens"] / seconds if seconds else None
        case "key":
            return named["calls"]
        case _:
            return named[order]
