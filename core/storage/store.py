"""The connection and its transactions; everything here runs on the database's worker thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from core.errors import ConfigurationError
from core.storage.failures import damaged, translated
from core.storage.presence import Presence
from core.storage.schema import HEAD, migrate, stored_revision

__all__ = ("Store",)

P = ParamSpec("P")
T = TypeVar("T")

_BUSY_TIMEOUT = 5_000
"""Milliseconds to wait for another process's write."""
_MIGRATION_TIMEOUT = 60_000
"""Milliseconds to wait for another process that migrates the tables."""
_SQLITE_MAGIC = b"SQLite format 3\0"
"""https://www.sqlite.org/fileformat.html#magic_header_string"""


class Store:
    """An open connection to a database whose tables are up to date.

    Args:
        location: the path of an SQLite file, ``:memory:``, or a SQLAlchemy URL.

    Raises:
        ConfigurationError: the URL cannot be read, or its driver is not installed.
        StorageError: or one of its kin, when the database cannot be used; nothing was touched then.
    """

    def __init__(self, location: str | Path) -> None:
        url = _url(location)
        self._file = _file(url)
        self.place = str(self._file) if self._file else url.render_as_string(hide_password=True)
        self._writing = False
        engine = _engine(url)
        event.listen(engine, "begin", self._begin)
        with translated(self.place):
            if self._file:
                _make_private_file(self._file)
            self._connection = engine.connect()
            try:
                self._bring_up_to_date()
                self.presence = Presence(
                    self._file.with_name(f"{self._file.name}-open") if self._file else None
                )
            except BaseException:
                self._connection.close()
                raise

    def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do work that only reads, from one snapshot."""
        return self._transact(lambda: work(self._connection, *args, **kwargs), writing=False)

    def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do work that writes, in a transaction of its own: stored whole, or not at all."""
        return self._transact(lambda: work(self._connection, *args, **kwargs), writing=True)

    def close(self) -> None:
        """Close the connection and tell other processes that this one is gone."""
        with translated(self.place):
            self._connection.close()
        self.presence.release()

    def _transact(self, work: Callable[[], T], *, writing: bool) -> T:
        self._writing = writing
        with translated(self.place), self._connection.begin():
            return work()

    def _begin(self, connection: Connection) -> None:
        """Begin explicitly: Python's driver would begin late and fail to upgrade a stale snapshot.

        See https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#sqlite-transactions
        """
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE" if self._writing else "BEGIN")

    def _bring_up_to_date(self) -> None:
        if self.read(stored_revision, self.place) != HEAD:
            self._pragma(f"busy_timeout = {_MIGRATION_TIMEOUT}")
            self.write(migrate, self.place)
            self._pragma(f"busy_timeout = {_BUSY_TIMEOUT}")
        if self._file:
            self._use_write_ahead_log()

    def _use_write_ahead_log(self) -> None:
        """Let readers and one writer work at once; the file remembers, so this is done but once.

        Where another process holds the file right now it does the same, so its lock is no error.
        """
        try:
            self._pragma("journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                raise

    def _pragma(self, setting: str) -> None:
        driver = self._connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            driver.execute(f"PRAGMA {setting}")


def _url(location: str | Path) -> URL:
    if isinstance(location, Path) or "://" not in location:
        return URL.create("sqlite", database=str(location))
    try:
        return make_url(location)
    except ArgumentError:
        raise ConfigurationError(
            "The database URL cannot be read.",
            key="TENSORWALL_DATABASE_URL",
            hint="Write it like sqlite:////home/me/chats.db or postgresql+psycopg://user@host/name.",
        ) from None


def _file(url: URL) -> Path | None:
    """The SQLite file, where there is one."""
    if url.get_backend_name() != "sqlite" or url.database in {None, "", ":memory:"}:
        return None
    return Path(str(url.database)).absolute()


def _engine(url: URL) -> Engine:
    try:
        engine = create_engine(url, poolclass=NullPool)
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigurationError(
            f"The driver for {url.drivername} is not installed: {error}.",
            key="TENSORWALL_DATABASE_URL",
        ) from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by Store._begin
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT}")
    connection.execute("PRAGMA foreign_keys = ON")
    # With a write-ahead log NORMAL survives the death of the process at any moment, and a power
    # failure but for the last commits: https://www.sqlite.org/pragma.html#pragma_synchronous
    connection.execute("PRAGMA synchronous = NORMAL")


def _make_private_file(file: Path) -> None:
    """Make a new database readable by its owner alone; refuse a file that is something else."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600)
        return
    with file.open("rb") as content:
        start = content.read(len(_SQLITE_MAGIC))
    if start and start != _SQLITE_MAGIC:
        raise damaged(str(file), "it does not start like an SQLite file")
