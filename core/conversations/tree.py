"""Messages as a tree in the database; these functions run on the storage worker.

Every message but a first one follows a parent. Editing a question or asking for another answer adds
a sibling beside the old one, so nothing is ever overwritten; the session's leaf says which branch is
on screen.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from core.chat import Message
from core.conversations.search import index_message
from core.conversations.sessions import require_session, touch_session, update_session
from core.conversations.stored import StoredMessage
from core.conversations.titles import UNTITLED, title_from
from core.errors import InputError
from core.storage.tables import answer_chunks, messages

__all__ = (
    "add_message",
    "all_messages",
    "branch",
    "content_columns",
    "joined_chunks",
    "mark_heard",
    "newest_leaf",
    "select_leaf",
    "siblings",
    "switch_to",
)

_Row = Row[Any]


def add_message(connection: Connection, stored: StoredMessage, *, writer: str | None = None) -> StoredMessage:
    """Add a message below its parent, make it the leaf, and return it with its place among siblings.

    A session that has no title yet takes the first words of its first question.

    Args:
        connection: within a transaction that writes.
        stored: the message; its place among siblings is found here.
        writer: the instance that goes on writing into it.

    Raises:
        InputError: the session or the parent does not exist.
    """
    session = require_session(connection, stored.session_id)
    if stored.parent_id is not None:
        _require_message(connection, stored.parent_id, stored.session_id)
    _insert(connection, stored, writer)
    touch_session(connection, stored.session_id, stored.id)
    if stored.message.role == "user" and session.title_source == "words" and session.title == UNTITLED:
        update_session(connection, session.id, title=title_from(stored.message.text))
    family = siblings(connection, stored.id)
    return replace(stored, sibling_index=len(family) - 1, sibling_count=len(family))


def _insert(connection: Connection, stored: StoredMessage, writer: str | None) -> None:
    result = connection.execute(
        insert(messages).values(
            id=stored.id,
            session_id=stored.session_id,
            parent_id=stored.parent_id,
            role=stored.message.role,
            state=stored.state,
            writer=writer,
            provider=stored.provider,
            model=stored.model,
            finish_reason=stored.finish_reason,
            error=stored.error,
            error_type=stored.error_type,
            created_at=stored.created_at,
            finished_at=stored.finished_at,
            heard=stored.heard,
            **content_columns(stored.message),
        )
    )
    if stored.state != "streaming" and result.inserted_primary_key:
        index_message(connection, result.inserted_primary_key[0], stored.message.text)


def branch(connection: Connection, session_id: str, leaf_id: str | None) -> list[StoredMessage]:
    """The messages from the first one to the leaf (the session's own leaf where none is named).

    Raises:
        InputError: the session or the leaf does not exist.
    """
    session = require_session(connection, session_id)
    leaf_id = leaf_id or session.leaf_id
    if leaf_id is None:
        return []
    _require_message(connection, leaf_id, session_id)
    path = (
        select(messages.c.id, messages.c.parent_id)
        .where(messages.c.id == leaf_id)
        .cte("path", recursive=True)
    )
    path = path.union_all(
        select(messages.c.id, messages.c.parent_id).where(messages.c.id == path.c.parent_id)
    )
    rows = connection.execute(
        select(messages).where(messages.c.id.in_(select(path.c.id))).order_by(messages.c.number)
    ).all()
    return _stored(connection, rows)


def all_messages(connection: Connection, session_id: str) -> list[StoredMessage]:
    """Every message of every branch, in the order they were stored: parents before children."""
    query = select(messages).where(messages.c.session_id == session_id).order_by(messages.c.number)
    return _stored(connection, connection.execute(query).all())


def siblings(connection: Connection, message_id: str) -> list[str]:
    """The message and its alternatives, oldest first.

    Raises:
        InputError: there is no such message.
    """
    row = connection.execute(
        select(messages.c.session_id, messages.c.parent_id).where(messages.c.id == message_id)
    ).one_or_none()
    if row is None:
        raise _missing(message_id)
    query = select(messages.c.id).where(
        messages.c.session_id == row.session_id, messages.c.parent_id.is_not_distinct_from(row.parent_id)
    )
    return list(connection.execute(query.order_by(messages.c.number)).scalars())


def newest_leaf(connection: Connection, message_id: str) -> str:
    """The last message below this one that was stored, or itself: where its branch goes on.

    Raises:
        InputError: there is no such message.
    """
    below = select(messages.c.id, messages.c.number).where(messages.c.id == message_id).cte(recursive=True)
    below = below.union_all(
        select(messages.c.id, messages.c.number).where(messages.c.parent_id == below.c.id)
    )
    leaf = connection.execute(select(below.c.id).order_by(below.c.number.desc()).limit(1)).scalar()
    if leaf is None:
        raise _missing(message_id)
    return str(leaf)


def switch_to(connection: Connection, session_id: str, message_id: str) -> str:
    """Put the branch through a message on screen, to its newest end; the id of that end.

    Raises:
        InputError: the session or the message does not exist.
    """
    leaf_id = newest_leaf(connection, message_id)
    select_leaf(connection, session_id, leaf_id)
    return leaf_id


def select_leaf(connection: Connection, session_id: str, message_id: str | None) -> None:
    """Make a message the end of the branch on screen; ``None`` empties the screen.

    Raises:
        InputError: the session or the message does not exist.
    """
    if message_id is not None:
        _require_message(connection, message_id, session_id)
    update_session(connection, session_id, leaf_id=message_id)


def mark_heard(connection: Connection, message_id: str, characters: int | None) -> None:
    """Remember how much of an answer was heard; ``None`` for all of it.

    Raises:
        InputError: there is no such message.
    """
    heard = None if characters is None else max(0, characters)
    result = connection.execute(update(messages).where(messages.c.id == message_id).values(heard=heard))
    if not result.rowcount:
        raise _missing(message_id)


def content_columns(message: Message) -> dict[str, str | None]:
    """A message's content as columns: plain text, reasoning, and JSON of whatever else there is."""
    details: dict[str, Any] = message.model_dump(
        mode="json", exclude_none=True, include={"tool_calls", "tool_call_id", "name"}
    )
    if message.content is None:
        details["content"] = None
    elif not isinstance(message.content, str):
        details["content"] = [part.model_dump(mode="json", exclude_none=True) for part in message.content]
    return {
        "text": message.text,
        "reasoning": message.reasoning,
        "details": json.dumps(details) if details else None,
    }


def joined_chunks(connection: Connection, message_id: str) -> tuple[str, str]:
    """Text and reasoning that have arrived of an answer that is still streaming."""
    query = select(answer_chunks.c.kind, answer_chunks.c.text).where(answer_chunks.c.message_id == message_id)
    pieces: dict[str, list[str]] = defaultdict(list)
    for kind, text in connection.execute(query.order_by(answer_chunks.c.number)):
        if kind == "restart":
            pieces.clear()
        else:
            pieces[kind].append(text)
    return "".join(pieces["text"]), "".join(pieces["reasoning"])


def _stored(connection: Connection, rows: Iterable[_Row]) -> list[StoredMessage]:
    rows = list(rows)
    places = _sibling_places(connection, {row.session_id for row in rows})
    return [_record(connection, row, *places[row.id]) for row in rows]


def _sibling_places(connection: Connection, session_ids: set[str]) -> dict[str, tuple[int, int]]:
    """Each message's (index, count) among those that follow the same parent."""
    query = select(messages.c.id, messages.c.session_id, messages.c.parent_id).where(
        messages.c.session_id.in_(session_ids)
    )
    families: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for message_id, session_id, parent_id in connection.execute(query.order_by(messages.c.number)):
        families[session_id, parent_id].append(message_id)
    return {
        message_id: (index, len(family))
        for family in families.values()
        for index, message_id in enumerate(family)
    }


def _record(connection: Connection, row: _Row, sibling_index: int, sibling_count: int) -> StoredMessage:
    text, reasoning = row.text, row.reasoning
    if row.state == "streaming":
        text, reasoning = joined_chunks(connection, row.id)
    content: dict[str, Any] = {"content": text, **(json.loads(row.details) if row.details else {})}
    return StoredMessage(
        id=row.id,
        session_id=row.session_id,
        parent_id=row.parent_id,
        message=Message(role=row.role, reasoning=reasoning or None, **content),
        state=row.state,
        created_at=row.created_at,
        finished_at=row.finished_at,
        provider=row.provider,
        model=row.model,
        finish_reason=row.finish_reason,
        error=row.error,
        error_type=row.error_type,
        heard=row.heard,
        sibling_index=sibling_index,
        sibling_count=sibling_count,
    )


def _require_message(connection: Connection, message_id: str, session_id: str) -> None:
    query = select(messages.c.id).where(messages.c.id == message_id, messages.c.session_id == session_id)
    if connection.execute(query).one_or_none() is None:
        raise _missing(message_id)


def _missing(message_id: str) -> InputError:
    return InputError(f"There is no message {message_id} here.", hint="Its conversation may be deleted.")
