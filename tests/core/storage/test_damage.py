"""Databases that cannot be used: a clear sentence, and not a byte touched."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection

from core.errors import DatabaseDamaged, DatabaseTooNew, DiskFull, StorageError
from core.storage import Database, open_database
from core.storage.failures import storage_error
from tests.databases import on_sqlite


def everything(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def fails_untouched(path: Path, kind: type[StorageError]) -> StorageError:
    before = everything(path.parent)
    with pytest.raises(kind) as caught:
        await open_database(path)
    assert everything(path.parent) == before
    assert str(path) in caught.value.message
    assert caught.value.hint
    return caught.value


def overwrite(path: Path, start: int) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:start] + b"\xaa" * (len(content) - start))


def move(path: Path, to: Path) -> None:
    path.replace(to)


async def make(path: Path) -> None:
    await (await open_database(path)).aclose()


async def test_a_newer_database(database_path: Path) -> None:
    await make(database_path)
    with sqlite3.connect(database_path) as plain:
        plain.execute("UPDATE alembic_version SET version_num = '9999'")
    plain.close()
    error = await fails_untouched(database_path, DatabaseTooNew)
    assert "9999" in error.message


@pytest.mark.parametrize("content", [b"Dear diary,\n", b"\0" * 8192, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tensorwall.db"
    path.write_bytes(content)
    await fails_untouched(path, DatabaseDamaged)


async def test_a_database_cut_short(database_path: Path) -> None:
    await make(database_path)
    os.truncate(database_path, 9_000)
    await fails_untouched(database_path, DatabaseDamaged)


async def test_another_program_s_database(tmp_path: Path) -> None:
    path = tmp_path / "places.sqlite"
    with sqlite3.connect(path) as plain:
        plain.execute("CREATE TABLE moz_places (id INTEGER)")
    plain.close()
    error = await fails_untouched(path, DatabaseDamaged)
    assert "another program" in error.message


async def test_damage_found_later(database_path: Path) -> None:
    await make(database_path)
    overwrite(database_path, start=4096)
    with pytest.raises(DatabaseDamaged):
        async with await open_database(database_path) as database:
            await database.read(lambda c: c.exec_driver_sql("SELECT * FROM sessions").all())


async def test_a_folder_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be opened"):
        await open_database(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be opened"):
        await open_database(tmp_path / "file" / "tensorwall.db")


@on_sqlite
async def test_a_full_disk_keeps_what_was_stored(database: Database, location: Path) -> None:
    def fill(connection: Connection) -> None:
        connection.exec_driver_sql(
            "INSERT INTO sessions VALUES ('big', ?, 'words', NULL, NULL, NULL, 0, 0)", ("x" * 10_000_000,)
        )

    def small(connection: Connection) -> None:
        connection.exec_driver_sql("INSERT INTO sessions VALUES ('s', 't', 'words', NULL, NULL, NULL, 0, 0)")

    await database.run(small)
    pages = await database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.read(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}").all())
    with pytest.raises(DiskFull, match=str(location)) as caught:
        await database.run(fill)
    assert "intact" in caught.value.hint
    ids = await database.read(lambda c: list(c.exec_driver_sql("SELECT id FROM sessions").scalars()))
    assert ids == ["s"]


def test_a_disk_too_full_to_open_the_database_is_told_as_full() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
    assert isinstance(storage_error(error, "tensorwall.db"), DiskFull)


_TRY = """
import asyncio, os, resource, sys
# All that is loaded on the way: later on the packages may be out of reach.
import alembic.command, alembic.runtime.migration, core.storage.store, sqlalchemy.dialects.sqlite
from core.errors import StorageError
from core.storage import open_database

async def main():
    try:
        async with await open_database(sys.argv[1]) as database:
            await database.run(lambda c: c.exec_driver_sql(
                "INSERT INTO sessions VALUES ('b', ?, 'words', NULL, NULL, NULL, 0, 0)", ("x" * 5_000_000,)))
    except StorageError as error:
        print(type(error).__name__, error)

def drop_rights():
    if os.geteuid() == 0:  # root may do anything, so be nobody
        os.setegid(65534)
        os.seteuid(65534)
"""


@pytest.fixture
def shared_path(tmp_path: Path) -> Path:
    """A folder that others may enter, so that a process without rights gets as far as the last step."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/") and folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


def test_a_folder_without_rights(shared_path: Path, python) -> None:
    closed = shared_path / "closed"
    closed.mkdir(mode=0o555)
    told = python(f"{_TRY}\ndrop_rights(); asyncio.run(main())", closed / "tensorwall.db")
    assert told.startswith("StorageError")
    assert str(closed) in told
    assert "TENSORWALL_HOME" in told


async def test_a_file_without_rights(shared_path: Path, python) -> None:
    path = shared_path / "tensorwall.db"
    await make(path)
    path.chmod(0o444)
    told = python(f"{_TRY}\ndrop_rights(); asyncio.run(main())", path)
    assert told.startswith("StorageError")
    assert str(path) in told


async def test_a_file_size_limit_is_told_and_harmless(database_path: Path, python) -> None:
    await make(database_path)
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
    told = python(f"{_TRY}\n{limit}; asyncio.run(main())", database_path)
    assert told.startswith(("StorageError", "DiskFull"))
    assert str(database_path) in told
    async with await open_database(database_path) as database:
        check = await database.read(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar())
    assert check == "ok"


@on_sqlite
async def test_a_file_that_was_removed_while_it_was_open_is_written_to_no_more(location: Path) -> None:
    database = await open_database(location)
    away = location.with_name("away")
    move(location, away)
    for work in (database.run, database.read):
        with pytest.raises(StorageError, match="removed or replaced while it was open") as caught:
            await work(lambda connection: connection.exec_driver_sql("SELECT 1").scalar())
        assert str(location) in caught.value.message
    shutil.copyfile(away, location)
    with pytest.raises(StorageError, match="removed or replaced"):
        await database.run(lambda _: None)
    move(away, location)
    assert await database.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar()) == 1
    await database.aclose()
