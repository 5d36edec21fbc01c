"""Answers are saved as they arrive, and what a dead process left is kept."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from core.chat import Message
from core.conversations.answer_writer import AnswerWriter
from core.conversations.conversations import Conversations
from core.conversations.stored import Session, StoredMessage
from core.errors import DiskFull
from core.identifiers import new_id
from core.storage import Database, open_database
from tests.databases import NewDatabase, on_sqlite


def row(session_id: str, role: str, text: str = "", parent_id: str | None = None, **values) -> StoredMessage:
    return StoredMessage(
        id=new_id(),
        session_id=session_id,
        parent_id=parent_id,
        message=Message(role=role, content=text),
        state=values.pop("state", "complete"),
        created_at=datetime.now(UTC),
        **values,
    )


def new_exchange() -> tuple[AnswerWriter, StoredMessage]:
    now = datetime.now(UTC)
    session = Session(new_id(), "Title", "words", None, None, None, now, now)
    question = row(session.id, "user", "Why?")
    answer = row(session.id, "assistant", parent_id=question.id, state="streaming", model="m")
    return AnswerWriter(answer, question=question, session=session), answer


def finished(answer: StoredMessage, writer: AnswerWriter, state="complete") -> StoredMessage:
    message = Message(role="assistant", content=writer.text, reasoning=writer.reasoning or None)
    return replace(answer, message=message, state=state, finished_at=datetime.now(UTC))


async def saved(conversations: Conversations, answer: StoredMessage, text: str) -> StoredMessage:
    """Wait until the text is in the database."""
    async with asyncio.timeout(10):
        while True:
            stored = (await conversations.messages(answer.session_id))[-1]
            if stored.message.text == text:
                return stored


def chunks(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM answer_chunks").scalar_one())


async def test_text_can_be_read_while_it_arrives_and_is_folded_at_the_end(
    conversations: Conversations,
) -> None:
    writer, answer = new_exchange()
    writer.add_reasoning("Hmm. ")
    writer.add_text("Be")
    writer.attach(conversations.database)
    writer.add_text("cause")
    stored = await saved(conversations, answer, "Because")
    assert (stored.state, stored.message.reasoning) == ("streaming", "Hmm. ")
    assert await conversations.search("Because") == []
    for piece in " of the moon.":
        writer.add_text(piece)
    await saved(conversations, answer, "Because of the moon.")
    await writer.settle(finished(answer, writer))
    assert writer.failure is None
    question, stored = await conversations.messages(answer.session_id)
    assert question.message.text == "Why?"
    assert (stored.state, stored.message.text, stored.message.reasoning) == (
        "complete",
        "Because of the moon.",
        "Hmm. ",
    )
    assert await conversations.database.read(chunks) == 0
    assert len(await conversations.search("moon")) == 1


async def test_many_pieces_become_few_rows(conversations: Conversations) -> None:
    writer, answer = new_exchange()
    writer.attach(conversations.database)
    for number in range(2_000):
        writer.add_text(f"{number} ")
        if number % 20 == 0:
            await asyncio.sleep(0)
    await saved(conversations, answer, writer.text)
    assert await conversations.database.read(chunks) < 200
    await writer.settle(finished(answer, writer))


async def test_another_route_starts_the_answer_again(conversations: Conversations) -> None:
    writer, answer = new_exchange()
    writer.attach(conversations.database)
    writer.restart()
    writer.add_reasoning("first route")
    writer.add_text("x")
    await saved(conversations, answer, "x")
    writer.restart()
    writer.add_text("y")
    stored = await saved(conversations, answer, "y")
    assert stored.message.reasoning is None
    assert (writer.text, writer.reasoning) == ("y", "")
    await writer.settle(finished(answer, writer))


@given(
    st.lists(
        st.tuples(st.sampled_from(["text", "reasoning", "restart", "yield"]), st.text(max_size=5)),
        max_size=40,
    )
)
@settings(deadline=None, max_examples=60)
async def test_a_crash_at_any_point_keeps_what_had_arrived(
    new_database: NewDatabase, steps: list[tuple[str, str]]
) -> None:
    with new_database() as location:
        async with await open_database(location) as database:
            await keeps_what_had_arrived(database, steps)


async def keeps_what_had_arrived(database: Database, steps: list[tuple[str, str]]) -> None:
    conversations = Conversations(database)
    writer, answer = new_exchange()
    writer.attach(database)
    for kind, piece in steps:
        if kind == "text":
            writer.add_text(piece)
        elif kind == "reasoning":
            writer.add_reasoning(piece)
        elif kind == "restart":
            writer.restart()
        else:
            await asyncio.sleep(0)
    expected = writer.text.replace("\0", "␀")
    while writer._waiting or writer._writing:
        await database.read(chunks)
    stored = (await conversations.messages(answer.session_id))[-1]
    assert stored.message.text == expected
    assert (stored.message.reasoning or "") == writer.reasoning.replace("\0", "␀")
    assert await conversations.recover() == 0  # its writer is alive
    await database.run(lambda c: c.exec_driver_sql("UPDATE messages SET writer = 'dead' WHERE writer > ''"))
    database.is_alive = lambda instance: instance != "dead"
    assert await conversations.recover() == 1
    recovered = (await conversations.messages(answer.session_id))[-1]
    assert recovered.state == "interrupted"
    assert recovered.message.text == expected
    assert await database.read(chunks) == 0


async def test_a_session_deleted_while_its_answer_arrives_stays_deleted(conversations: Conversations) -> None:
    writer, answer = new_exchange()
    writer.attach(conversations.database)
    writer.add_text("a")
    await saved(conversations, answer, "a")
    await conversations.delete(answer.session_id)
    writer.add_text("b")
    await writer.settle(finished(answer, writer))
    assert writer.failure is None
    assert await conversations.list() == []
    assert await conversations.database.read(chunks) == 0


@on_sqlite
async def test_a_full_disk_is_told_and_the_rest_still_arrives(conversations: Conversations) -> None:
    database = conversations.database
    writer, answer = new_exchange()
    writer.attach(database)
    writer.add_text("small")
    await saved(conversations, answer, "small")
    pages = await database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    await limit(database, pages + 2)
    writer.add_text("x" * 100_000)
    while writer.failure is None:
        await database.read(chunks)
    assert isinstance(writer.failure, DiskFull)
    writer.add_text("more")
    assert writer.text.endswith("more")
    await writer.settle(finished(answer, writer))
    assert isinstance(writer.failure, DiskFull)
    assert (await conversations.messages(answer.session_id))[-1].message.text == "small"

    await limit(database, 1_000_000)  # somebody made room
    await writer.settle(finished(answer, writer))
    assert writer.failure is None
    assert (await conversations.messages(answer.session_id))[-1].message.text == writer.text


async def limit(database: Database, pages: int) -> None:
    await database.read(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages}").all())


async def test_an_answer_is_stored_whole_even_when_its_consumer_is_cancelled(
    conversations: Conversations,
) -> None:
    writer, answer = new_exchange()
    writer.attach(conversations.database)
    go_on = threading.Event()
    conversations.database.submit(lambda _: go_on.wait(10))  # the worker is busy
    writer.add_text("kept")
    settling = asyncio.create_task(writer.settle(finished(answer, writer, "stopped")))
    await asyncio.sleep(0)
    settling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await settling
    go_on.set()
    stored = (await conversations.messages(answer.session_id))[-1]
    assert (stored.state, stored.message.text) == ("stopped", "kept")


async def test_a_stream_of_another_living_process_is_left_alone(
    conversations: Conversations, location: str | Path
) -> None:
    writer, answer = new_exchange()
    writer.attach(conversations.database)
    writer.add_text("half")
    await saved(conversations, answer, "half")
    async with await open_database(location) as second:
        others = Conversations(second)
        assert await others.recover() == 0
        stored = (await others.messages(answer.session_id))[-1]
        assert (stored.state, stored.message.text) == ("streaming", "half")
    await writer.settle(finished(answer, writer))
