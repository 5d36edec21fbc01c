"""A database in a file of SQLite's, or in memory."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.pool import NullPool

from core.errors import StorageError
from core.storage.presence import FilePresence, Presence

__all__ = ("Sqlite",)

_BUSY_TIMEOUT = 5_000
"""Milliseconds to wait for another process's write."""
_OPENING_TIMEOUT = 60_000
"""Milliseconds to wait for another process that makes or migrates the tables."""
_CACHE = 64
"""Megabytes of memory, at most, that a big ledger is summed up and sorted in."""
_LOG = 4_096
"""Pages of the write-ahead log, of 4 KB, after which they are moved into the file. That waits for the disk,
about ten milliseconds: under a server's load SQLite's own 1,000 pages are full several times a second."""


class Sqlite:
    """What differs on SQLite; see ``core.storage.store.Backend``.

    Args:
        url: of a file, which need not be there yet, or of a database in memory.
    """

    def __init__(self, url: URL) -> None:
        in_memory = url.database in {None, "", ":memory:"}
        # Resolved, so that whoever comes by another name finds the same files beside it.
        self.file = None if in_memory else Path(str(url.database)).resolve()
        self.place = str(url) if in_memory else str(Path(str(url.database)).absolute())
        self._inode: tuple[int, int] | None = None
        self.engine = create_engine(url, poolclass=NullPool)
        event.listen(self.engine, "connect", _configure)

    def prepare(self) -> None:
        """Make a new file readable by its owner alone.

        One that is there is not looked into, since that would close a descriptor of it, and with that a
        process loses the locks of all its connections: another that leaves would then take their log away.
        See https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
        """
        if self.file is None or self.file.exists():
            return
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # made by another just now
            self.file.touch(mode=0o600, exist_ok=False)

    def begin_reading(self, connection: Connection) -> None:
        """Begin explicitly: Python's driver would begin late and fail to upgrade a stale snapshot.

        See https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-transactions
        """
        self._check_that_it_is_there()
        connection.exec_driver_sql("BEGIN")

    def begin_writing(self, connection: Connection) -> None:
        """Take the write lock at once."""
        self._check_that_it_is_there()
        _driver(connection).execute("BEGIN IMMEDIATE")

    def begin_migrating(self, connection: Connection) -> None:
        """The write lock will do: whoever migrates holds it until the tables are ours."""
        self.begin_writing(connection)

    def join(self, connection: Connection) -> Presence:
        """Keep a write-ahead log, so that readers and one writer work at once, and a lock beside the file."""
        driver = _driver(connection)
        driver.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT}")
        if self.file is None:
            return Presence()
        _use_write_ahead_log(driver)
        self._inode = _inode(self.file)
        return FilePresence(self.file.with_name(f"{self.file.name}-open"))

    def _check_that_it_is_there(self) -> None:
        """SQLite would go on in a file that was removed, where nobody could ever find what it wrote."""
        if self.file is not None and self._inode is not None and _inode(self.file) != self._inode:
            raise StorageError(
                f"The database {self.place} was removed or replaced while it was open.",
                hint="Put it back where it was, or start TensorWall again for a new one.",
            )


def _inode(file: Path) -> tuple[int, int] | None:
    """Which file that is; ``None`` where there is none."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _configure(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun explicitly
    connection.execute(f"PRAGMA busy_timeout = {_OPENING_TIMEOUT}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE * 1_024}")
    # With a write-ahead log NORMAL survives the death of the process at any moment, and a power
    # failure but for the last commits: https://www.sqlite.org/pragma.html#pragma_synchronous
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG}")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """The file remembers, so this is done but once.

    Where another process holds the file right now it does the same, so its lock is no error.
    """
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise
