"""Full-text search over messages; these functions run on the storage worker.

An index, SQLite's FTS5 or PostgreSQL's of ``words_apart`` (made by a migration), finds words by their
beginnings, without regard to case and accents. It does not know where words end in Chinese, Japanese or
Korean, so each of their characters is indexed as a word, and a search for several is a search for the
phrase. What has no words in it (``!=``) falls back to a plain comparison.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Float,
    FromClause,
    Integer,
    Row,
    Select,
    Text,
    and_,
    cast,
    column,
    false,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.sql.elements import KeyedColumnElement

from core.conversations.stored import SearchHit
from core.safe_text import safe_text
from core.storage.tables import messages, sessions
from core.storage.types import storable

__all__ = (
    "contains",
    "index_message",
    "match_query",
    "matching_sessions",
    "search_messages",
    "snippet_around",
    "unindex_session",
)

_CJK = re.compile(
    "([\u2e80-\u303f\u3040-\u30ff\u3100-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003ffff])"
)
_TERM = re.compile(r'"([^"]*)"|(\S+)')
_PLAIN_WORDS: ColumnElement[str] = literal_column("CAST('simple' AS regconfig)")
"""PostgreSQL's name for words as they are, of no language."""
_LONGEST: ColumnElement[int] = literal_column("200000")
"""Characters of a message that PostgreSQL's index looks through."""
_SNIPPET = 160
_LEAD = 40
"""Characters of a snippet before its first match."""


def index_message(connection: Connection, number: int, content: str) -> None:
    """Make a finished message findable; again replaces what was indexed before."""
    if connection.dialect.name != "sqlite":
        return
    connection.exec_driver_sql("DELETE FROM message_search WHERE rowid = ?", (number,))
    if content.strip():
        connection.exec_driver_sql(
            "INSERT INTO message_search (rowid, text) VALUES (?, ?)", (number, _spaced(storable(content)))
        )


def unindex_session(connection: Connection, session_id: str) -> None:
    """Make a session's messages unfindable, before they are deleted."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            "DELETE FROM message_search WHERE rowid IN (SELECT number FROM messages WHERE session_id = ?)",
            (session_id,),
        )


def search_messages(connection: Connection, query: str, limit: int) -> list[SearchHit]:
    """Messages that hold every term of the query, best match first; on PostgreSQL the newest first.

    A term is a word or its beginning, or several words in double quotes.
    """
    terms = _terms(query)
    if not terms:
        return []
    found = _columns().select_from(messages.join(sessions, sessions.c.id == messages.c.session_id))
    newest_first = messages.c.number.desc()
    if not _have_words(terms):
        found = found.where(_plain_matches(terms)).order_by(newest_first)
    elif connection.dialect.name == "sqlite":
        matches = _fts_matches(terms)
        found = found.join(matches, matches.c.rowid == messages.c.number).order_by(matches.c.rank)
    else:
        newest = _newest_with(terms, limit)
        found = found.join(newest, newest.c.number == messages.c.number).order_by(newest_first)
    return [_hit(row, terms) for row in connection.execute(found.limit(limit))]


def matching_sessions(connection: Connection, query: str) -> Select[tuple[str]]:
    """Ids of the sessions with a message that holds every term of the query."""
    terms = _terms(query)
    ids = select(messages.c.session_id)
    if not terms:
        return ids.where(false())
    if not _have_words(terms):
        return ids.where(_plain_matches(terms))
    if connection.dialect.name == "sqlite":
        matches = _fts_matches(terms)
        return ids.join(matches, matches.c.rowid == messages.c.number)
    return ids.where(*_word_matches(terms))


def contains(column: KeyedColumnElement[Any], term: str) -> ColumnElement[bool]:
    """Whether the column holds the term, whatever the case, with no character acting as a wildcard."""
    return column.icontains(storable(term), autoescape=True)


def match_query(terms: Iterable[str]) -> str:
    """The terms as an FTS5 query that cannot be malformed: quoted phrases, each open at its end.

    See https://www.sqlite.org/fts5.html#full_text_query_syntax
    """
    return " ".join('"' + _spaced(term).replace('"', '""') + '"*' for term in terms)


def snippet_around(content: str, terms: Iterable[str]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """One line around the first match, with the (start, end) of each match in it."""
    line = " ".join(safe_text(content).split())
    anywhere = re.compile("|".join(re.escape(" ".join(term.split())) for term in terms), re.IGNORECASE)
    first = anywhere.search(line)
    start = max(0, first.start() - _LEAD) if first and len(line) > _SNIPPET else 0
    if start:  # begin with a whole word, where one begins soon
        gap = line.find(" ", start, start + _LEAD // 2)
        start = gap + 1 if gap >= 0 else start
    end = start + _SNIPPET
    snippet = f"{'…' if start else ''}{line[start:end].rstrip()}{'…' if end < len(line) else ''}"
    return snippet, tuple(match.span() for match in anywhere.finditer(snippet) if match.group())


def _terms(query: str) -> list[str]:
    cleaned = storable(query)
    terms = ((quoted or word).strip() for quoted, word in _TERM.findall(cleaned))
    return [term for term in (word.strip('"') for word in terms) if term]


def _spaced(content: str) -> str:
    return content if content.isascii() else _CJK.sub(r" \1 ", content)


def _columns() -> Select[Any]:
    return select(
        messages.c.session_id,
        sessions.c.title,
        messages.c.id,
        messages.c.role,
        messages.c.created_at,
        messages.c.text,
    )


def _have_words(terms: list[str]) -> bool:
    """Whether an index can answer."""
    return all(any(map(str.isalnum, term)) for term in terms)


def _fts_matches(terms: list[str]) -> FromClause:
    """The rows of SQLite's index: rowid and rank, the least first."""
    found = text("SELECT rowid, rank FROM message_search WHERE message_search MATCH :query")
    return (
        found.bindparams(query=match_query(terms))
        .columns(column("rowid", Integer), column("rank", Float))
        .subquery("found")
    )


def _word_matches(terms: list[str]) -> list[ColumnElement[bool]]:
    """As PostgreSQL's index has it."""
    words = func.to_tsvector(_PLAIN_WORDS, func.words_apart(func.left(messages.c.text, _LONGEST)))
    return [words.bool_op("@@")(_phrase(term)) for term in terms]


def _newest_with(terms: list[str], limit: int) -> FromClause:
    """The numbers of messages, by the index: to tell words apart again, from the newest on, takes long."""
    found = select(messages.c.number).where(*_word_matches(terms)).cte("found").prefix_with("MATERIALIZED")
    return select(found.c.number).order_by(found.c.number.desc()).limit(limit).subquery()


def _phrase(term: str) -> ColumnElement[str]:
    """A query that is open at its end; it finds nothing where there is no word in it."""
    words = cast(func.phraseto_tsquery(_PLAIN_WORDS, func.words_apart(term)), Text)
    return func.to_tsquery(_PLAIN_WORDS, func.nullif(words, "").concat(":*"))


def _plain_matches(terms: list[str]) -> ColumnElement[bool]:
    return and_(*(contains(messages.c.text, term) for term in terms))


def _hit(row: Row[Any], terms: list[str]) -> SearchHit:
    snippet, matches = snippet_around(row.text, terms)
    return SearchHit(
        session_id=row.session_id,
        session_title=row.title,
        message_id=row.id,
        role=row.role,
        created_at=row.created_at,
        snippet=snippet,
        matches=matches,
    )
