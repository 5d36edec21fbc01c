"""A look at one number: as fresh as the last commit, and in nobody's way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest

from core.storage.glance import Glance

QUESTION = "SELECT number FROM numbers"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection to a file with a write-ahead log, and one number in it."""
    with closing(sqlite3.connect(tmp_path / "a.db", timeout=0, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE numbers (number INTEGER NOT NULL)")
        writer.execute("INSERT INTO numbers VALUES (1)")
        yield writer


@pytest.fixture
def glance(writer: sqlite3.Connection, tmp_path: Path) -> Iterator[Glance]:
    glance = Glance(tmp_path / "a.db", QUESTION)
    yield glance
    glance.close()


def test_what_another_has_committed_is_seen_at_once(glance: Glance, writer: sqlite3.Connection) -> None:
    for number in range(2, 50):
        writer.execute("UPDATE numbers SET number = ?", [number])
        assert glance.read() == number


def test_what_is_not_committed_is_not_seen_and_not_waited_for(
    glance: Glance, writer: sqlite3.Connection
) -> None:
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE numbers SET number = 2")
    assert glance.read() == 1
    writer.execute("COMMIT")
    assert glance.read() == 2


def test_no_writer_has_to_wait_for_it(glance: Glance, writer: sqlite3.Connection) -> None:
    assert glance.read() == 1
    writer.execute("BEGIN EXCLUSIVE")
    assert glance.read() == 1
    writer.execute("UPDATE numbers SET number = 2")
    writer.execute("COMMIT")
    assert glance.read() == 2


@pytest.mark.parametrize("mode", ["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
def test_the_log_can_be_emptied_between_two_looks(
    glance: Glance, writer: sqlite3.Connection, tmp_path: Path, mode: str
) -> None:
    assert glance.read() == 1
    writer.execute("UPDATE numbers SET number = 2")
    assert glance.read() == 2
    busy, in_log, moved = writer.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
    assert (busy, in_log) == (0, moved)
    if mode == "TRUNCATE":
        assert (tmp_path / "a.db-wal").stat().st_size == 0
    writer.execute("UPDATE numbers SET number = 3")
    assert glance.read() == 3


def test_a_table_that_is_changed_meanwhile_is_read_as_it_is(
    glance: Glance, writer: sqlite3.Connection
) -> None:
    assert glance.read() == 1
    writer.execute("ALTER TABLE numbers ADD COLUMN other TEXT")
    assert glance.read() == 1
    writer.execute("ALTER TABLE numbers RENAME TO away")
    assert glance.read() is None
    writer.execute("ALTER TABLE away RENAME TO numbers")
    assert glance.read() == 1


def test_there_is_no_answer_while_another_has_the_file_to_itself(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as owner:
        owner.execute("PRAGMA locking_mode = EXCLUSIVE")
        owner.execute("PRAGMA journal_mode = WAL")
        owner.execute("CREATE TABLE numbers (number INTEGER NOT NULL)")
        owner.execute("INSERT INTO numbers VALUES (1)")
        glance = Glance(tmp_path / "a.db", QUESTION)
        begun = monotonic()
        assert [glance.read() for _ in range(10)] == [None] * 10
        assert monotonic() - begun < 5  # which SQLite waits, unless told otherwise, each time
    assert glance.read() == 1
    glance.close()


def test_without_a_write_ahead_log_there_is_no_answer_while_somebody_commits(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as writer:
        writer.execute("CREATE TABLE numbers (number INTEGER NOT NULL)")
        writer.execute("INSERT INTO numbers VALUES (1)")
        glance = Glance(tmp_path / "a.db", QUESTION)
        assert glance.read() == 1
        writer.execute("BEGIN EXCLUSIVE")
        assert glance.read() is None
        writer.execute("COMMIT")
        assert glance.read() == 1
        glance.close()


def test_a_table_without_a_row_gives_no_answer(glance: Glance, writer: sqlite3.Connection) -> None:
    writer.execute("DELETE FROM numbers")
    assert glance.read() is None


def test_closed_it_gives_no_answer(glance: Glance) -> None:
    glance.close()
    glance.close()
    assert glance.read() is None


def test_closing_it_leaves_the_locks_of_the_process_alone(
    glance: Glance, writer: sqlite3.Connection, tmp_path: Path
) -> None:
    """To close a file drops all locks that its process has on it, unless SQLite takes care."""
    assert glance.read() == 1
    writer.execute("BEGIN IMMEDIATE")
    glance.close()
    with (
        closing(sqlite3.connect(tmp_path / "a.db", timeout=0, isolation_level=None)) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")
    writer.execute("COMMIT")
