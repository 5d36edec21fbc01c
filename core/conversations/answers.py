"""Answers, saved as they arrive.

Pieces of text are appended as rows of their own and folded into the message when it ends, so that a
process that dies at any moment, ``kill -9`` included, leaves what was on screen. These functions run
on the storage worker.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, insert, select, update

from core.conversations.search import index_message
from core.conversations.sessions import insert_session
from core.conversations.stored import ChunkKind, Session, StoredMessage
from core.conversations.tree import add_message, content_columns, joined_chunks
from core.storage.tables import answer_chunks, messages, sessions

__all__ = ("append_chunks", "begin", "finish", "left_behind", "recover")

_APPEND = insert(answer_chunks)  # made once: it runs a hundred times a second


def begin(
    connection: Connection,
    answer: StoredMessage,
    question: StoredMessage | None,
    session: Session | None,
    instance: str,
) -> None:
    """Store the row an answer streams into, with its question and session where they are new.

    Raises:
        InputError: the session or the message to answer does not exist.
    """
    if session is not None:
        insert_session(connection, session)
    if question is not None:
        add_message(connection, question)
    add_message(connection, answer, writer=instance)


def append_chunks(
    connection: Connection, message_id: str, first: int, pieces: list[tuple[ChunkKind, str]]
) -> None:
    """Append what has arrived; ``first`` is the number of the first new row."""
    connection.execute(
        _APPEND,
        [
            {"message_id": message_id, "number": number, "kind": kind, "text": text}
            for number, (kind, text) in enumerate(pieces, first)
        ],
    )


def finish(connection: Connection, answer: StoredMessage) -> None:
    """Fold the pieces into the whole answer; nothing to do when its session was deleted meanwhile."""
    connection.execute(delete(answer_chunks).where(answer_chunks.c.message_id == answer.id))
    connection.execute(
        update(messages)
        .where(messages.c.id == answer.id)
        .values(
            state=answer.state,
            writer=None,
            provider=answer.provider,
            model=answer.model,
            finish_reason=answer.finish_reason,
            error=answer.error,
            error_type=answer.error_type,
            finished_at=answer.finished_at,
            **content_columns(answer.message),
        )
    )
    number = connection.execute(select(messages.c.number).where(messages.c.id == answer.id)).scalar()
    if number is not None:
        index_message(connection, number, answer.message.text)
        connection.execute(
            update(sessions).where(sessions.c.id == answer.session_id).values(updated_at=answer.finished_at)
        )


def left_behind(connection: Connection, is_alive: Callable[[str], bool]) -> list[tuple[str, int]]:
    """(id, number) of the answers that still stream although their writer is dead."""
    streaming = messages.c.state == "streaming"
    writers = connection.execute(select(messages.c.writer).where(streaming).distinct()).scalars()
    dead = [writer for writer in writers if not is_alive(writer)]
    query = select(messages.c.id, messages.c.number).where(streaming, messages.c.writer.in_(dead))
    return [(row.id, row.number) for row in connection.execute(query)]


def recover(connection: Connection, is_alive: Callable[[str], bool]) -> int:
    """Fold the answers that were left behind, as ``interrupted``; how many there were."""
    left = left_behind(connection, is_alive)
    for message_id, number in left:
        text, reasoning = joined_chunks(connection, message_id)
        connection.execute(
            update(messages)
            .where(messages.c.id == message_id)
            .values(state="interrupted", writer=None, text=text, reasoning=reasoning or None)
        )
        index_message(connection, number, text)
    streaming = select(messages.c.id).where(messages.c.state == "streaming")
    connection.execute(delete(answer_chunks).where(answer_chunks.c.message_id.not_in(streaming)))
    return len(left)
