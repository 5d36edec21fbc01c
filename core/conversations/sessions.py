"""Sessions in the database; these functions run on the storage worker."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, or_, select, update

from core.conversations.search import contains, matching_sessions, unindex_session
from core.conversations.stored import Session, SessionSummary, TitleSource
from core.errors import InputError
from core.identifiers import ID_LENGTH
from core.storage.tables import answer_chunks, calls, messages, sessions

__all__ = (
    "delete_session",
    "find_session",
    "insert_session",
    "latest_session",
    "list_sessions",
    "rename_session",
    "require_session",
    "touch_session",
    "update_session",
)

_SESSION = tuple(sessions.c[field.name] for field in fields(Session))
_AMBIGUOUS_SHOWN = 5


def insert_session(connection: Connection, session: Session) -> None:
    """Store a new session."""
    connection.execute(
        insert(sessions).values({column.name: getattr(session, column.name) for column in _SESSION})
    )


def require_session(connection: Connection, session_id: str) -> Session:
    """Load a session by its whole id.

    Raises:
        InputError: there is none.
    """
    row = connection.execute(select(*_SESSION).where(sessions.c.id == session_id)).one_or_none()
    if row is None:
        raise InputError(f"There is no conversation {session_id}.", hint="It may have been deleted.")
    return _session(row)


def find_session(connection: Connection, prefix: str) -> Session:
    """Load a session by its id, or by a beginning of it that no other shares.

    Raises:
        InputError: none or several match.
    """
    wanted = prefix.strip().lower()
    if not wanted:
        raise InputError("An empty id names no conversation.", hint="`sessions list` shows the ids.")
    if len(wanted) == ID_LENGTH:
        return require_session(connection, wanted)
    query = select(*_SESSION).where(sessions.c.id.startswith(wanted, autoescape=True))
    rows = connection.execute(query.order_by(sessions.c.id.desc()).limit(_AMBIGUOUS_SHOWN)).all()
    if not rows:
        raise InputError(
            f"There is no conversation whose id starts with {wanted}.",
            hint="`sessions list` shows the ids.",
        )
    if len(rows) > 1:
        found = ", ".join(row.id for row in rows)
        raise InputError(f"{wanted} is the start of several ids: {found}.", hint="Type one letter more.")
    return _session(rows[0])


def latest_session(connection: Connection) -> Session | None:
    """The session that was written to last, or ``None`` where there is none."""
    query = select(*_SESSION).order_by(sessions.c.updated_at.desc(), sessions.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else _session(row)


def list_sessions(
    connection: Connection, search: str | None, limit: int, offset: int
) -> list[SessionSummary]:
    """Sessions, last written first; those with ``search`` in their title or messages."""
    query = _summaries()
    if search and search.strip():
        found = matching_sessions(connection, search)
        query = query.where(or_(contains(sessions.c.title, search.strip()), sessions.c.id.in_(found)))
    query = query.order_by(sessions.c.updated_at.desc(), sessions.c.id.desc())
    return [_summary(row) for row in connection.execute(query.limit(limit).offset(offset))]


def rename_session(connection: Connection, session_id: str, title: str, source: TitleSource) -> bool:
    """Set the title; a model's title never replaces the user's own. Whether it was set.

    Raises:
        InputError: there is no such session.
    """
    session = require_session(connection, session_id)
    if source == "model" and session.title_source == "user":
        return False
    update_session(connection, session_id, title=title, title_source=source)
    return True


def update_session(connection: Connection, /, session_id: str, **values: str | None) -> None:
    """Set columns of a session without making it the latest one.

    Raises:
        InputError: there is no such session.
    """
    result = connection.execute(update(sessions).where(sessions.c.id == session_id).values(**values))
    if result.rowcount == 0:
        require_session(connection, session_id)


def touch_session(connection: Connection, session_id: str, leaf_id: str) -> None:
    """Note that a branch of the session was written to."""
    connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(leaf_id=leaf_id, updated_at=datetime.now(UTC))
    )


def delete_session(connection: Connection, session_id: str) -> None:
    """Delete a session with all its branches; what it cost stays in the ledger.

    Raises:
        InputError: there is no such session.
    """
    require_session(connection, session_id)
    unindex_session(connection, session_id)
    own = select(messages.c.id).where(messages.c.session_id == session_id)
    connection.execute(delete(answer_chunks).where(answer_chunks.c.message_id.in_(own)))
    connection.execute(delete(messages).where(messages.c.session_id == session_id))
    connection.execute(delete(sessions).where(sessions.c.id == session_id))


def _session(row: Row[Any]) -> Session:
    return Session(*tuple(row))


def _summaries() -> Select[Any]:
    count = select(func.count()).where(messages.c.session_id == sessions.c.id)
    cost = select(func.sum(calls.c.cost)).where(calls.c.session_id == sessions.c.id)
    partial = select(func.count()).where(
        calls.c.session_id == sessions.c.id, or_(calls.c.estimated, calls.c.cost.is_(None))
    )
    return select(
        sessions.c.id,
        sessions.c.title,
        sessions.c.model,
        sessions.c.created_at,
        sessions.c.updated_at,
        count.scalar_subquery().label("message_count"),
        cost.scalar_subquery().label("cost"),
        partial.scalar_subquery().label("partial"),
    )


def _summary(row: Row[Any]) -> SessionSummary:
    return SessionSummary(
        id=row.id,
        title=row.title,
        model=row.model,
        created_at=row.created_at,
        updated_at=row.updated_at,
        message_count=row.message_count,
        cost=row.cost if row.cost is not None else Decimal(0),
        cost_is_partial=bool(row.partial),
    )
