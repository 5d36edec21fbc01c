"""Sums that add up to a scope, from the table that has the fewest rows for it.

The review asks of rows with the measures of ``spend`` and with no more keys than it groups by: what is left
out of the keys was summed up already when it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, Table, select, union_all

from core.costs.periods import quarter_of
from core.costs.sums import MEASURES
from core.review.dimensions import TIMES, Dimension
from core.review.local_days import LocalDays, local_days
from core.review.scope import Scope, conditions, fields_fit
from core.storage.tables import kind_spend, session_spend, spend

__all__ = ("rollup", "session_rollup")

_SIX_HOURS = 24
"""Quarters of an hour."""


def rollup(connection: Connection, scope: Scope, by: Sequence[Dimension] = ()) -> Subquery:
    """Rows to be grouped by these dimensions and added up.

    Columns are those of ``MEASURES`` and ``kind_id``; ``session_id`` and ``day``, a day's number by this
    machine's clock, where they are asked for.
    """
    days = local_days(connection) if any(dimension in TIMES for dimension in by) else None
    if "session" in by or scope.session_id is not None or scope.filter.words:
        return session_rollup(connection, scope, days)
    return _without_sessions(scope, days)


def session_rollup(connection: Connection, scope: Scope, days: LocalDays | None = None) -> Subquery:
    """Rows with their ``session_id``, and ``first_quarter`` and ``last_quarter`` where no days are wanted."""
    table = spend
    keys: list[ColumnElement[Any]] = [spend.c.session_id, spend.c.kind_id]
    if days is not None:
        keys.append(days.number(spend.c.quarter).label("day"))
    elif scope.since is not None or scope.until is not None:
        keys += [spend.c.quarter.label(name) for name in ("first_quarter", "last_quarter")]
    else:  # without a time they are summed up already
        table = session_spend
        keys = [table.c[name] for name in ("session_id", "kind_id", "first_quarter", "last_quarter")]
    columns = [*keys, *(table.c[name] for name in MEASURES)]
    return select(*columns).where(*conditions(connection, scope, table)).subquery()


def _without_sessions(scope: Scope, days: LocalDays | None) -> Subquery:
    """Whole six hours, and what is left of the scope before and after them."""
    since = None if scope.since is None else quarter_of(scope.since)
    until = None if scope.until is None else quarter_of(scope.until)
    first = None if since is None else -(-since // _SIX_HOURS)
    last = None if until is None else until // _SIX_HOURS
    fits = fields_fit(scope, spend)
    if first is not None and last is not None and first >= last:
        return _quarters(days, [*_between(spend.c.quarter, since, until), *fits]).subquery()
    parts = [
        _six_hours(days, [*_between(kind_spend.c.six_hours, first, last), *fields_fit(scope, kind_spend)])
    ]
    start, end = (None if number is None else number * _SIX_HOURS for number in (first, last))
    parts += [
        _quarters(days, [*_between(spend.c.quarter, *edge), *fits])
        for edge in ((since, start), (end, until))
        if edge[0] != edge[1]
    ]
    if days is not None and not days.begin_with_six_hours:
        parts += _moved(days, [*_between(spend.c.quarter, start, end), *fits])
    return (union_all(*parts) if len(parts) > 1 else parts[0]).subquery()


def _six_hours(days: LocalDays | None, found: Iterable[ColumnElement[bool]]) -> Select[Any]:
    """Of the day that their middle is in."""
    middle = kind_spend.c.six_hours * _SIX_HOURS + _SIX_HOURS // 2
    return _rows(kind_spend, None if days is None else days.number(middle)).where(*found)


def _quarters(days: LocalDays | None, found: Iterable[ColumnElement[bool]]) -> Select[Any]:
    return _rows(spend, None if days is None else days.number(spend.c.quarter)).where(*found)


def _moved(days: LocalDays, found: Sequence[ColumnElement[bool]]) -> list[Select[Any]]:
    """Quarters of an hour on the other side of midnight than the middle of their six hours.

    They are added to their own day and taken from that one.
    """
    quarter = spend.c.quarter
    own = days.number(quarter)
    middle = days.number(quarter - (quarter % _SIX_HOURS + _SIX_HOURS) % _SIX_HOURS + _SIX_HOURS // 2)
    moved = [*found, own != middle]
    return [_rows(spend, own).where(*moved), _rows(spend, middle, sign=-1).where(*moved)]


def _rows(table: Table, day: ColumnElement[int] | None, sign: int = 1) -> Select[Any]:
    keys = [table.c.kind_id] if day is None else [table.c.kind_id, day.label("day")]
    measures = [table.c[name] if sign > 0 else (-table.c[name]).label(name) for name in MEASURES]
    columns: list[ColumnElement[Any]] = [*keys, *measures]
    return select(*columns)


def _between(column: ColumnElement[int], first: int | None, end: int | None) -> list[ColumnElement[bool]]:
    since = [] if first is None else [column >= first]
    return since if end is None else [*since, column < end]
