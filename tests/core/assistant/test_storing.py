"""Answers come whatever storage does."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.chat import (
    Event,
    Finished,
)
from core.errors import (
    DatabaseDamaged,
    DiskFull,
)
from core.records import Records
from tests.core.assistant.conftest import PLAIN, Desk, read

LONG = "word " * 3_000 + "end"


async def test_the_first_token_does_not_wait_for_storage(desk: Desk) -> None:
    desk.simulator.configure(text="quick", **PLAIN)
    may_open = asyncio.Event()
    open_now = desk.records._open

    async def open_later() -> Records:
        await may_open.wait()
        return await open_now()

    desk.records._open = open_later
    turn = desk.ask("Hurry!")
    events: list[Event] = []
    async for event in turn:
        events.append(event)
        if isinstance(event, Finished):
            may_open.set()
    assert isinstance(events[-1], Finished)
    assert await desk.branch(turn) == [("user", "Hurry!", "complete"), ("assistant", "quick", "complete")]
    (row,) = await (await desk.records()).ledger.rows(turn.session_id)
    assert row.outcome == "answered"


async def test_a_database_that_cannot_be_opened_costs_no_answer(desk: Desk, path: Path) -> None:
    write(path, b"not a database at all")
    desk.simulator.configure(text="still here", **PLAIN)
    turn = desk.ask("Hello")
    await read(turn)
    assert (turn.state, turn.text) == ("complete", "still here")
    assert isinstance(turn.storage_error, DatabaseDamaged)

    write(path, b"")  # mended: the next turn of the conversation is kept again
    desk.simulator.configure(text="and here", **PLAIN)
    second = desk.ask("More?", turn.session_id)
    await read(second)
    assert second.storage_error is None
    assert [message["content"] for message in desk.sent()[-1]] == ["Hello", "still here", "More?"]
    assert [text for _, text, _ in await desk.branch(turn)] == ["Hello", "still here", "More?", "and here"]


async def test_a_disk_that_fills_up_costs_no_answer(desk: Desk) -> None:
    desk.simulator.configure(text=LONG, **PLAIN)
    database = (await desk.records()).database
    pages = await database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.read(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}").all())
    turn = desk.ask("A lot, please")
    await read(turn)
    assert turn.state == "complete"
    assert turn.text == LONG
    assert isinstance(turn.storage_error, DiskFull)

    desk.simulator.configure(text="short", **PLAIN)
    second = desk.ask("Less", turn.session_id)  # goes on from memory
    await read(second)
    assert isinstance(second.storage_error, DiskFull)
    assert [message["content"] for message in desk.sent()[-1]] == ["A lot, please", LONG, "Less"]

    await database.read(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").all())
    third = desk.ask("Again", turn.session_id)
    await read(third)
    assert (turn.storage_error, second.storage_error, third.storage_error) == (None, None, None)
    branch = await desk.branch(turn)
    assert [text for _, text, _ in branch] == ["A lot, please", LONG, "Less", "short", "Again", "short"]
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert [row.outcome for row in rows] == ["answered"] * 3


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def test_records_are_opened_once_for_all_who_ask(desk: Desk) -> None:
    first, second, waiting = (asyncio.create_task(desk.records()) for _ in range(3))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await first is await second
    assert desk.opened == 1
