"""The review where things are not as they were, do not fit, or cannot be written."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, insert, select

from app.tui.review.context import Place
from app.tui.review.export import write_export
from app.tui.review.screen import ReviewScreen
from core.catalogue import load_catalogue
from core.costs.imports.importing import import_usage
from core.identifiers import new_id
from core.locations import find_locations
from core.storage.tables import calls
from tests.app.tui.conftest import User
from tests.app.tui.review.conftest import NOW, Past, reviewing
from tests.core.costs.imports.llm_database import LlmDatabase


async def test_an_imported_session_says_that_it_has_no_messages(past: Past, folder: Path) -> None:
    logs = LlmDatabase(folder / "logs.db", "0.26")
    logs.converse("c1", "Names for a cat")
    logs.call("r1", conversation="c1", model="gpt-4o-mini", input_tokens=9, datetime_utc=NOW.isoformat())
    logs.connection.commit()
    await import_usage(past.records.database, load_catalogue(), logs.path)
    async with reviewing(folder) as user:
        await user.sees("Names for a cat")
        await user.presses("o")
        await user.told("imported from llm without its messages")
        await user.presses("enter")
        await user.sees("(imported from llm: gpt-4o-mini)", f"{NOW.astimezone():%a %d %b %Y %H:%M}")
        await user.presses("o")
        assert isinstance(user.app.screen, ReviewScreen)


async def test_a_session_that_is_deleted_while_it_is_open_keeps_its_costs(past: Past, folder: Path) -> None:
    session = await past.session("Doomed")
    answer = await past.turn(session, "Will this last?")
    async with reviewing(folder, start=Place(session, answer)) as user:
        await user.sees("Will this last?", "Route")
        await past.records.conversations.delete(session)
        await user.presses("r")
        await user.until(lambda: "Will this last?" not in user.screen)
        await user.sees("Doomed", "Route", "1 call")
        await user.presses("o")
        await user.told("There is no")
        await user.presses("escape")
        await user.sees("(the question is gone)")
        await user.presses("escape")
        await user.sees("(deleted)", "deleted; what it cost stays")


async def test_of_a_very_long_session_it_is_said_what_is_left_out(past: Past, folder: Path) -> None:
    session = await past.session("Endless")
    await past.turn(session, "the first of many")
    await past.records.ledger.rows(limit=1)  # what was booked is written
    await past.records.database.run(_repeat_the_call, 5_002)
    async with reviewing(folder, size=(110, 30)) as user:
        await user.sees("Endless", "5.0k calls")
        await user.presses("enter")
        await user.sees("The latest 5,000 of 5,003 calls")


def _repeat_the_call(connection: Connection, times: int) -> None:
    row = connection.execute(select(calls)).mappings().one()
    again = [{**row, "call_id": new_id(), "message_id": None} for _ in range(times)]
    connection.execute(insert(calls), again)


async def export_to(user: User, file: Path) -> None:
    await user.presses("e")
    await user.sees("Export what is looked at")
    await user.presses("home", "ctrl+k")
    await user.pastes(str(file))
    await user.presses("enter")


def written(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


@contextmanager
def no_room() -> Iterator[None]:
    """Nothing can be written to any file, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_an_export_to_a_full_disk_is_told_and_leaves_nothing(past: Past, folder: Path) -> None:
    await past.turn(await past.session("Kept"), "hello")
    async with reviewing(folder, size=(110, 30)) as user:
        await user.sees("Kept")
        with no_room():
            await export_to(user, folder / "costs.csv")
            await user.told("cannot be written")
        await user.told("nothing was left there")
        assert written(folder) == []
        await export_to(user, folder / "costs.csv")
        await user.told("written to")
        assert written(folder) == ["costs.csv"]


async def test_an_export_is_stopped_and_leaves_nothing(past: Past, folder: Path) -> None:
    await past.turn(await past.session("Kept"), "hello")
    held = Event()
    async with reviewing(folder, size=(110, 30)) as user:
        await user.sees("Kept")
        review = user.app.screen
        assert isinstance(review, ReviewScreen)
        database = (await review.context.services.records()).database
        database.offload(held.wait)  # the export waits for its turn
        try:
            await export_to(user, folder / "costs.csv")
            await user.sees("Exporting, Esc stops: to")
            await user.presses("escape")
            await user.told("The export was stopped; there is no file.")
        finally:
            held.set()
        await user.until(lambda: "Exporting" not in user.screen)
        assert user.app.screen is review
        assert written(folder) == []
        await export_to(user, folder / "costs.csv")
        await user.told("written to")


async def test_an_export_that_is_being_written_is_stopped(past: Past, folder: Path) -> None:
    await past.turn(await past.session("Kept"), "hello")
    async with reviewing(folder) as user:
        await user.sees("Kept")
        review = user.app.screen
        assert isinstance(review, ReviewScreen)
        told: list[str] = []
        writing = asyncio.create_task(write_export(review.view, folder / "costs.md", told.append))
        await user.until(lambda: bool(told) and "to be written" in told[-1])
        await user.until(lambda: bool(written(folder)) or writing.done())
        writing.cancel()
        await asyncio.wait([writing])
        assert writing.cancelled() == (written(folder) == [])


async def test_an_export_to_a_folder_that_may_not_be_written_is_told(past: Past, folder: Path) -> None:
    await past.turn(await past.session("Kept"), "hello")
    closed = folder / "closed"
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        closed = Path("/proc")  # nobody may make a file there, not even root
    async with reviewing(folder, size=(110, 30)) as user:
        await user.sees("Kept")
        await export_to(user, closed / "costs.csv")
        await user.until(lambda: "cannot be written" in user.toasts or "There is no folder" in user.toasts)
    assert written(folder) == ["closed"]


@pytest.fixture
def remapped(past: Past) -> Past:
    """Other keys for a view, a period, a question, and what works in one view alone."""
    with find_locations().settings_file.open("a", encoding="utf-8") as file:
        file.write(
            '[keymap]\n"review.groups" = "ctrl+l"\n"review.all" = "z"\n"review.detours" = "f7,h"\n'
            '"review.open" = "space"\n"review.filter" = "ctrl+f"\n'
        )
    return past


async def test_keys_of_the_review_can_be_changed_and_are_told(remapped: Past, folder: Path) -> None:
    await remapped.turn(await remapped.session("Mine"), "hello")
    async with reviewing(folder, size=(110, 30)) as user:
        await user.sees("Mine", "Ctrl+L Groups", "Z All", "Space Turns", "Ctrl+F Filter")
        await user.presses("2", "a", "enter", "slash", "f")
        await user.sees("[1 Sessions]", "[M Month]")
        await user.presses("z")
        await user.sees("[Z All]")
        await user.presses("ctrl+l")
        await user.sees("[Ctrl+L Groups]", "gpt-oss-120b")
        await user.presses("h")
        await user.sees("[F7 Detours]")
        await user.presses("1", "ctrl+f")
        await user.types("mine")
        await user.presses("enter")
        await user.sees("Filter: mine")
        await user.presses("space")
        await user.sees("Question", "hello")
