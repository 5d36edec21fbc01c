"""Opening, working with and closing the database."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection

from core.errors import ConfigurationError, DatabaseBusy, StorageError
from core.storage import Database, open_database
from core.storage.tables import sessions
from tests.databases import on_sqlite


def insert(connection: Connection, session_id: str) -> None:
    now = datetime.now(UTC)
    connection.execute(
        sessions.insert().values(
            id=session_id, title="t", title_source="words", created_at=now, updated_at=now
        )
    )


def names(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def count(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM sessions").scalar_one())


@on_sqlite
async def test_a_new_database_is_private_and_keeps_a_write_ahead_log(
    database: Database, location: Path
) -> None:
    def mode(connection: Connection) -> tuple[object, ...]:
        pragmas = ("journal_mode", "foreign_keys", "synchronous")
        return tuple(connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas)

    assert await database.read(mode) == ("wal", 1, 1)
    assert permissions(location) == 0o600
    assert permissions(location.parent) == 0o700
    assert database.place == str(location)


async def test_an_up_to_date_database_opens_without_alembic(location: str | Path, python) -> None:
    await (await open_database(location)).aclose()
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
        location,
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


async def test_closing_stores_what_is_queued_and_can_be_repeated(location: str | Path) -> None:
    database = await open_database(location)
    for number in range(100):
        database.submit(insert, str(number))
    await database.aclose()
    await database.aclose()
    with pytest.raises(StorageError, match="is closed"):
        await database.run(count)
    async with await open_database(location) as again:
        assert await again.read(count) == 100


@on_sqlite
async def test_a_closed_database_leaves_no_file_beside_it(location: Path) -> None:
    await (await open_database(location)).aclose()
    assert names(location.parent) == [location.name]


async def test_a_cancelled_opening_leaves_nothing_open(location: str | Path) -> None:
    opening = asyncio.create_task(open_database(location))
    await asyncio.sleep(0)  # the worker thread is at it
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    async with await open_database(location) as again:
        assert await again.read(count) == 0


async def test_what_is_read_at_once_is_of_one_moment(database: Database, location: str | Path) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def twice(connection: Connection) -> tuple[int, int]:
        before = count(connection)
        begun.set()
        go_on.wait(10)
        return before, count(connection)

    reading = asyncio.create_task(database.read(twice))
    await asyncio.to_thread(begun.wait, 10)
    async with await open_database(location) as other:
        await other.run(insert, "meanwhile")
    go_on.set()
    assert await reading == (0, 0)
    assert await database.read(count) == 1


@on_sqlite
async def test_reading_goes_on_while_another_process_writes(database: Database, location: Path) -> None:
    other = sqlite3.connect(location, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert await database.read(count) == 0
        await database.read(lambda c: c.exec_driver_sql("PRAGMA busy_timeout = 20"))
        with pytest.raises(DatabaseBusy, match=str(location)) as caught:
            await database.run(insert, "x")
        assert "try again" in caught.value.hint
    finally:
        other.close()
    await database.run(insert, "x")
    assert await database.read(count) == 1


@on_sqlite
async def test_one_that_is_opened_and_closed_beside_it_costs_a_database_nothing(
    database: Database, location: Path, python
) -> None:
    """A process that closes any descriptor of a file loses all its locks on it, SQLite's among them."""
    await database.run(insert, "one")
    await (await open_database(location)).aclose()
    read = (
        "import sqlite3, sys; database = sqlite3.connect(sys.argv[1]); "
        "print(*database.execute('SELECT count(*) FROM sessions').fetchone())"
    )
    for written in ("two", "three"):  # the first to leave would take the log for its own to remove
        await database.run(insert, written)
        python(read, location)
    assert python(read, location) == "3\n"


async def test_a_database_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with await open_database(":memory:") as database:
        await database.run(insert, "x")
        assert await database.read(count) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("url", "mend"),
    [
        ("://", "Write it like"),
        ("nosuch://x/y", "Write it like"),
        ("postgresql://user@host:secret/name", "Write it like"),
        ("postgresql://user:sec@ret@host/name", "%40"),
        ("postgresql+psycopg2://user:secret@host/name", "begin with postgresql://"),
    ],
)
async def test_a_url_that_cannot_be_used_is_a_configuration_error(url: str, mend: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        await open_database(url)
    assert caught.value.key == "TENSORWALL_DATABASE_URL"
    assert mend in caught.value.hint
    assert "sec" not in str(caught.value)


def test_a_missing_driver_is_told_with_what_brings_it(python) -> None:
    told = python("""
import asyncio, sys
from core.errors import ConfigurationError
from core.storage import open_database
sys.modules["psycopg"] = None  # as if it were not installed
try:
    asyncio.run(open_database("postgresql://user:secret@host/name"))
except ConfigurationError as error:
    print(error)
""")
    assert "pip install 'tensorwall[postgres]'" in told
    assert "secret" not in told


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, database_path: Path) -> Iterator[str | Path]:
    """A database without our tables."""
    if request.param == "sqlite":
        yield database_path
        return
    with request.getfixturevalue("postgres_server").database(template="template1") as url:
        yield url


async def test_processes_that_start_at_once_share_a_new_database(empty: str | Path, start_python) -> None:
    code = """
import asyncio, sys
import alembic.command, core.storage.store
from sqlalchemy import text
from core.storage import open_database
INSERT = text("INSERT INTO sessions VALUES (:id, 't', 'words', NULL, NULL, NULL, 0, 0)")
async def main():
    print("ready", flush=True); sys.stdin.readline()
    async with await open_database(sys.argv[1]) as database:
        await database.run(lambda c: c.execute(INSERT, {"id": sys.argv[2]}))
asyncio.run(main())
"""
    processes = [start_python(code, empty, number) for number in range(4)]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * 4
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    async with await open_database(empty) as database:
        assert await database.read(count) == 4
