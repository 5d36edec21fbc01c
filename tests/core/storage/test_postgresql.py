"""What can go wrong with a server: a clear sentence that says what to do, no password, and the way back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from sqlalchemy import Connection, make_url, text

from core.errors import DatabaseBusy, DatabaseDamaged, DatabaseTooNew, DiskFull, StorageError
from core.storage import Database, open_database
from core.storage.tables import sessions
from tests.databases import on_postgresql
from tests.postgres_server import PASSWORD, USER, PostgresServer

pytestmark = on_postgresql


def insert(connection: Connection, session_id: str) -> None:
    now = datetime.now(UTC)
    row = {"id": session_id, "title": "t", "title_source": "words", "created_at": now, "updated_at": now}
    connection.execute(sessions.insert(), row)


def ids(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT id FROM sessions ORDER BY id")).scalars())


def rename(connection: Connection, session_id: str) -> None:
    connection.execute(text("UPDATE sessions SET title = 'u' WHERE id = :id"), {"id": session_id})


async def fails(url: str, kind: type[StorageError] = StorageError) -> StorageError:
    with pytest.raises(kind) as caught:
        await open_database(url)
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.fixture
def postgres(new_database: object, postgres_server: PostgresServer) -> PostgresServer:
    return postgres_server


@pytest.fixture
def bare(postgres: PostgresServer) -> Iterator[str]:
    """A database without any tables."""
    with postgres.database(template="template1") as url:
        yield url


def name_of(url: str) -> str:
    return str(make_url(url).database)


@pytest.mark.parametrize(
    ("user", "database", "told", "mend"),
    [
        (f"{USER}:top-secret", "postgres", "does not let you", "password"),
        (USER, "postgres", "does not let you", "password"),
        (f"nobody:{quote(PASSWORD, safe='')}", "postgres", "does not let you", "user"),
        (f"{USER}:{quote(PASSWORD, safe='')}", "nowhere", "There is no database", "createdb"),
    ],
)
async def test_who_is_not_let_in_is_told_why(
    postgres: PostgresServer, user: str, database: str, told: str, mend: str
) -> None:
    error = await fails(f"postgresql://{user}@127.0.0.1:{postgres.port}/{database}")
    assert told in error.message
    assert mend in error.hint
    for secret in ("top-secret", PASSWORD, quote(PASSWORD, safe="")):
        assert secret not in str(error)


async def test_a_server_that_is_not_there(postgres: PostgresServer) -> None:
    for address in ("127.0.0.1:1/x", "/x?host=/nowhere", "nowhere.invalid/x"):
        url = f"postgresql://user:top-secret@{address}"
        error = await fails(url)
        assert "cannot be reached" in error.message
        assert "server runs" in error.hint
        assert "top-secret" not in str(error)


async def test_a_password_opens_and_is_never_shown(postgres: PostgresServer, location: str) -> None:
    address = f"127.0.0.1:{postgres.port}/{name_of(location)}"
    for url in (
        f"postgresql+psycopg://{USER}:{quote(PASSWORD, safe='')}@{address}",
        f"postgres://{USER}@{address}?password={quote(PASSWORD, safe='')}",
    ):
        async with await open_database(url) as database:
            assert address in database.place
            assert "sesame" not in database.place


async def test_a_newer_database_and_one_of_another_program(
    postgres: PostgresServer, location: str, bare: str
) -> None:
    postgres.execute("UPDATE alembic_version SET version_num = '9999'", name_of(location))
    error = await fails(location, DatabaseTooNew)
    assert "9999" in error.message
    postgres.execute("CREATE TABLE places (id integer)", name_of(bare))
    error = await fails(bare, DatabaseDamaged)
    assert "another program" in error.message
    assert "of its own" in error.hint


async def test_a_user_without_the_right_to_make_tables(postgres: PostgresServer, bare: str) -> None:
    postgres.execute("CREATE ROLE guest LOGIN")
    postgres.execute("REVOKE CREATE ON SCHEMA public FROM public", name_of(bare))
    try:
        error = await fails(bare.replace(f"{USER}@", "guest@"))
    finally:
        postgres.execute("DROP ROLE guest")
    assert "lacks a right" in error.message
    assert "CREATE on the schema public" in error.hint


async def test_a_server_that_only_follows_another(postgres: PostgresServer, location: str) -> None:
    postgres.execute(f"ALTER DATABASE {name_of(location)} SET default_transaction_read_only = on")
    async with await open_database(location) as database:
        assert await database.read(ids) == []
        with pytest.raises(StorageError, match="is read-only") as caught:
            await database.run(insert, "x")
    assert "primary" in caught.value.hint


@pytest.mark.parametrize(
    ("condition", "kind"),
    [
        ("disk_full", DiskFull),
        ("lock_not_available", DatabaseBusy),
        ("deadlock_detected", DatabaseBusy),
        ("serialization_failure", DatabaseBusy),
        ("division_by_zero", StorageError),
    ],
)
async def test_what_a_server_reports_is_told_as_what_it_is(
    database: Database, condition: str, kind: type[StorageError]
) -> None:
    def report(connection: Connection) -> None:
        insert(connection, "lost")
        connection.exec_driver_sql(
            f"DO $$ BEGIN RAISE EXCEPTION 'no use' USING ERRCODE = '{condition}'; END $$"
        )

    with pytest.raises(StorageError) as caught:
        await database.run(report)
    assert type(caught.value) is kind
    assert database.place in caught.value.message
    assert await database.read(ids) == []


async def test_a_lock_is_waited_for_and_then_told_as_busy(database: Database, location: str) -> None:
    def impatient(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '20ms'")
        rename(connection, "x")

    begun, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        rename(connection, "x")
        begun.set()
        go_on.wait(10)

    await database.run(insert, "x")
    async with await open_database(location) as other:
        holding = asyncio.create_task(other.run(slow))
        await asyncio.to_thread(begun.wait, 10)
        with pytest.raises(DatabaseBusy) as caught:
            await database.run(impatient)
        assert "try again" in caught.value.hint
        go_on.set()
        await holding
    await database.run(rename, "x")


async def test_two_in_each_others_way_are_told_as_busy(database: Database, location: str) -> None:
    both = threading.Barrier(2)

    def cross(connection: Connection, first: str, second: str) -> None:
        connection.exec_driver_sql("SET LOCAL deadlock_timeout = '20ms'")
        rename(connection, first)
        both.wait(10)
        rename(connection, second)

    await database.run(insert, "a")
    await database.run(insert, "b")
    async with await open_database(location) as other:
        ends = await asyncio.gather(
            database.run(cross, "a", "b"), other.run(cross, "b", "a"), return_exceptions=True
        )
    assert sorted(type(end).__name__ for end in ends) == ["DatabaseBusy", "NoneType"]


def drop_connections(postgres: PostgresServer, location: str) -> None:
    """As a server does that is told to let go of a database."""
    postgres.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        f"WHERE datname = '{name_of(location)}' AND pid <> pg_backend_pid()"
    )


async def test_a_dropped_connection_is_told_once_and_made_anew(
    postgres: PostgresServer, database: Database, location: str
) -> None:
    await database.run(insert, "before")
    drop_connections(postgres, location)
    with pytest.raises(StorageError, match="was lost") as caught:
        await database.run(insert, "lost")
    assert "Try again" in caught.value.hint
    await database.run(insert, "after")
    assert await database.read(ids) == ["after", "before"]

    drop_connections(postgres, location)
    with pytest.raises(StorageError, match="was lost"):
        await database.read(ids)
    assert await database.read(ids) == ["after", "before"]


async def test_a_connection_that_is_dropped_in_the_middle_of_work(
    postgres: PostgresServer, database: Database, location: str
) -> None:
    def work(connection: Connection) -> None:
        insert(connection, "lost")
        drop_connections(postgres, location)
        insert(connection, "too")

    with pytest.raises(StorageError, match="was lost"):
        await database.run(work)
    await database.run(insert, "after")
    assert await database.read(ids) == ["after"]


async def test_who_connects_anew_is_seen_to_live_again(
    postgres: PostgresServer, database: Database, location: str
) -> None:
    drop_connections(postgres, location)
    async with await open_database(location) as other:

        async def is_seen() -> bool:
            return await other.read(lambda _: other.is_alive(database.instance))

        assert not await is_seen()
        with pytest.raises(StorageError, match="was lost"):
            await database.read(ids)
        await database.read(ids)
        assert await is_seen()


async def test_a_server_that_is_restarted_is_found_again(
    postgres: PostgresServer, database: Database
) -> None:
    await database.run(insert, "before")
    postgres.kill()
    try:
        with pytest.raises(StorageError, match="was lost"):
            await database.read(ids)
        with pytest.raises(StorageError, match="cannot be reached"):
            await database.read(ids)
        with pytest.raises(StorageError, match="cannot be reached"):
            await database.run(insert, "lost")
    finally:
        postgres.start()
    await database.run(insert, "after")
    assert await database.read(ids) == ["after", "before"]


async def test_a_server_that_is_gone_does_not_keep_a_database_from_closing(
    postgres: PostgresServer, location: str
) -> None:
    database = await open_database(location)
    drop_connections(postgres, location)
    await database.aclose()
    await database.aclose()
