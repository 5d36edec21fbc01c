"""Which calls a review looks at: a stretch of time, a session, and words typed to filter by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Table, func, or_, select, union

from core.conversations.search import contains, matching_sessions
from core.costs.periods import quarter_of, quarter_start
from core.errors import InputError
from core.review.dimensions import FIELDS, Field, column_name
from core.storage.tables import call_kinds, calls, gateway_keys, imported_sessions, sessions, spend

__all__ = (
    "FILTER_FIELDS",
    "Filter",
    "Scope",
    "conditions",
    "exactly",
    "fields_fit",
    "parse_filter",
    "within",
)

FILTER_FIELDS: tuple[Field, ...] = FIELDS
"""What may stand before the colon of ``model:gpt-oss``."""

_TERM = re.compile(
    r'(?P<exactly>[a-z]+):=(?:"(?P<whole>(?:[^"]|"")*)"|(?P<bare>[^\s"]\S*))'
    r'|(?:(?P<field>[a-z]+):)?(?:"(?P<quoted>[^"]*)"|(?P<word>\S+))',
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Filter:
    """What a call must be like.

    Attributes:
        words: all of them are in the session's title or messages.
        fields: by field, the beginnings or parts of its value of which one must fit.
        exact: by field, the whole values of which it must have one.
    """

    words: str = ""
    fields: Mapping[Field, tuple[str, ...]] = field(default_factory=dict, hash=False)
    exact: Mapping[Field, tuple[str, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """The calls that are looked at.

    Attributes:
        since: from this moment on; its quarter of an hour counts whole.
        until: before this moment; its quarter of an hour does not count.
        session_id: of this conversation alone.
        filter: like this alone.
    """

    since: datetime | None = None
    until: datetime | None = None
    session_id: str | None = None
    filter: Filter = Filter()


def parse_filter(text: str) -> Filter:
    """Read what was typed: words, and ``field:value`` for ``FILTER_FIELDS``; quotes hold blanks together.

    ``field:=value`` means the whole value, where quotes within quotes are doubled. Several values of one
    field are alternatives; everything else has to hold at once.

    Raises:
        InputError: a field that there is not.
    """
    words: list[str] = []
    fields: dict[Field, tuple[str, ...]] = {}
    exact: dict[Field, tuple[str, ...]] = {}
    for term in _TERM.finditer(text):
        if name := term["exactly"]:
            whole = term["bare"] if term["whole"] is None else term["whole"].replace('""', '"')
            _add(exact, name, whole)
        elif name := term["field"]:
            _add(fields, name, term["word"] if term["quoted"] is None else term["quoted"])
        else:
            words.append(term[0])
    return Filter(" ".join(words), fields, exact)


def exactly(field: Field, value: str) -> str:
    """What is typed to filter by a whole value."""
    doubled = value.replace('"', '""')
    return f'{field}:="{doubled}"'


def _add(values: dict[Field, tuple[str, ...]], name: str, value: str) -> None:
    known = next((known for known in FILTER_FIELDS if known == name.lower()), None)
    if known is None:
        raise InputError(
            f"There is no field {name.lower()!r} to filter by.",
            hint=f"Fields: {', '.join(FILTER_FIELDS)}. In quotes it is a word to search for.",
        )
    values[known] = (*values.get(known, ()), value)


def conditions(connection: Connection, scope: Scope, of: Table = spend) -> list[ColumnElement[bool]]:
    """What rows of ``spend``, of ``calls``, or of ``session_spend`` without a time, are in the scope."""
    found = [*within(scope, of), *fields_fit(scope, of)]
    if scope.session_id is not None:
        found.append(of.c.session_id == scope.session_id)
    if scope.filter.words:
        found.append(of.c.session_id.in_(_sessions_with(connection, scope.filter.words)))
    return found


def fields_fit(scope: Scope, of: Table) -> list[ColumnElement[bool]]:
    """What rows of any table of sums, or of ``calls``, are like what was asked for."""
    looked_for = scope.filter
    if not (looked_for.fields or looked_for.exact):
        return []
    words = calls if of is calls else call_kinds
    fits = [
        or_(*(_fits(words, name, value) for value in values)) for name, values in looked_for.fields.items()
    ]
    fits += [or_(*(_is(words, name, value) for value in values)) for name, values in looked_for.exact.items()]
    return fits if of is calls else [of.c.kind_id.in_(select(call_kinds.c.id).where(*fits))]


def _fits(words: Table, name: Field, value: str) -> ColumnElement[bool]:
    """A key is meant by its id or by a part of its name, and none by nothing."""
    if name != "key":
        return contains(words.c[name], value)
    if not value:
        return _is(words, name, value)
    named = select(gateway_keys.c.id).where(contains(gateway_keys.c.name, value))
    return or_(words.c.key_id == value, words.c.key_id.in_(named))


def _is(words: Table, name: Field, value: str) -> ColumnElement[bool]:
    """A key is meant by its id, and none by nothing."""
    return func.coalesce(words.c[column_name(name)], "") == value


def within(scope: Scope, of: Table = spend) -> list[ColumnElement[bool]]:
    """What rows are in the scope's time: whole quarters of an hour, in both tables."""
    since = None if scope.since is None else quarter_of(scope.since)
    until = None if scope.until is None else quarter_of(scope.until)
    if of is spend:
        first = [] if since is None else [spend.c.quarter >= since]
        return first if until is None else [*first, spend.c.quarter < until]
    first = [] if since is None else [of.c.started_at >= quarter_start(since)]
    return first if until is None else [*first, of.c.started_at < quarter_start(until)]


def _sessions_with(connection: Connection, words: str) -> CompoundSelect[tuple[str]]:
    """Ids of sessions with the words in their title, or in one of their messages."""
    plain = words.replace('"', "").strip()
    return union(
        select(sessions.c.id).where(contains(sessions.c.title, plain)),
        select(imported_sessions.c.session_id).where(contains(imported_sessions.c.title, plain)),
        matching_sessions(connection, words),
    )
