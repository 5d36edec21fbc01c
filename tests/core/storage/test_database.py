"""Opening, working with and closing the database."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from sqlalchemy import Connection

from core.errors import ConfigurationError, DatabaseBusy, StorageError
from core.storage import Database, open_database


def insert(connection: Connection, session_id: str) -> None:
    connection.exec_driver_sql(
        "INSERT INTO sessions VALUES (?, 't', 'words', NULL, NULL, NULL, 0, 0)", (session_id,)
    )


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def count(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar_one())


async def test_a_new_database_is_private_and_keeps_a_write_ahead_log(
    database: Database, database_path: Path
) -> None:
    def mode(connection: Connection) -> tuple[object, ...]:
        pragmas = ("journal_mode", "foreign_keys", "synchronous")
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas)

    assert await database.read(mode) == ("wal", 1, 1)
    assert permissions(database_path) == 0o600
    assert permissions(database_path.parent) == 0o700
    assert database.place == str(database_path)


async def test_an_up_to_date_database_opens_without_alembic(database_path: Path, python) -> None:
    await (await open_database(database_path)).aclose()
    printed = python(
        """
import asyncio, sys
from core.storage import open_database
assert "sqlalchemy" not in sys.modules
async def main():
    await (await open_database(sys.argv[1])).aclose()
asyncio.run(main())
print("alembic" in sys.modules, "sqlalchemy" in sys.modules)
""",
        database_path,
    )
    assert printed.split() == ["False", "True"]


async def test_work_that_raises_is_not_stored(database: Database) -> None:
    def half(connection: Connection) -> None:
        insert(connection, "a")
        raise LookupError("on the way")

    with pytest.raises(LookupError, match="on the way"):
        await database.run(half)
    assert await database.read(count) == 0


async def test_work_is_done_in_the_order_it_was_given(database: Database) -> None:
    done: list[int] = []
    futures = [database.submit(lambda _, n: done.append(n), number) for number in range(50)]
    await asyncio.gather(*map(asyncio.wrap_future, futures))
    assert done == list(range(50))


async def test_cancelled_work_is_finished_when_begun_and_dropped_when_not(database: Database) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        insert(connection, "begun")
        begun.set()
        go_on.wait(10)

    first = asyncio.create_task(database.run(slow))
    second = asyncio.create_task(database.run(insert, "waiting"))
    await asyncio.to_thread(begun.wait, 10)
    first.cancel()
    second.cancel()
    await asyncio.wait([first, second])
    go_on.set()
    ids = await database.read(lambda c: list(c.exec_driver_sql("SELECT id FROM sessions").scalars()))
    assert ids == ["begun"]


async def test_closing_stores_what_is_queued_and_can_be_repeated(database_path: Path) -> None:
    database = await open_database(database_path)
    for number in range(100):
        database.submit(insert, str(number))
    await database.aclose()
    await database.aclose()
    with sqlite3.connect(database_path) as plain:
        assert plain.execute("SELECT count(*) FROM sessions").fetchone() == (100,)
    plain.close()
    with pytest.raises(StorageError, match="is closed"):
        await database.run(count)
    assert not list(database_path.parent.glob("*-open"))


async def test_a_cancelled_opening_leaves_nothing_open(database_path: Path) -> None:
    opening = asyncio.create_task(open_database(database_path))
    await asyncio.sleep(0)  # the worker thread is at it
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    async with await open_database(database_path) as again:
        assert await again.read(count) == 0


async def test_reading_goes_on_while_another_process_writes(database: Database, database_path: Path) -> None:
    other = sqlite3.connect(database_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert await database.read(count) == 0
        await database.read(lambda c: c.exec_driver_sql("PRAGMA busy_timeout = 20"))
        with pytest.raises(DatabaseBusy, match=str(database_path)) as caught:
            await database.run(insert, "x")
        assert "try again" in caught.value.hint
    finally:
        other.close()
    await database.run(insert, "x")
    assert await database.read(count) == 1


async def test_a_database_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with await open_database(":memory:") as database:
        await database.run(insert, "x")
        assert await database.read(count) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("url", ["://", "nosuch://x/y", "postgresql+psycopg://user:secret@localhost:1/x"])
async def test_a_url_that_cannot_be_used_is_a_configuration_error(url: str) -> None:
    with pytest.raises((ConfigurationError, StorageError)) as caught:
        await open_database(url)
    assert "secret" not in str(caught.value)


async def test_processes_that_start_at_once_share_a_new_database(database_path: Path, start_python) -> None:
    code = """
import asyncio, sys
import alembic.command, core.storage.store
from core.storage import open_database
async def main():
    print("ready", flush=True); sys.stdin.readline()
    async with await open_database(sys.argv[1]) as database:
        await database.run(lambda c: c.exec_driver_sql(
            "INSERT INTO sessions VALUES (?, 't', 'words', NULL, NULL, NULL, 0, 0)", (sys.argv[2],)))
asyncio.run(main())
"""
    processes = [start_python(code, database_path, number) for number in range(4)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 4
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    async with await open_database(database_path) as database:
        assert await database.read(count) == 4
