"""The connection and its transactions; everything here runs on the database's worker thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import ConfigurationError
from core.storage.failures import translated
from core.storage.postgresql import Postgresql
from core.storage.presence import Presence
from core.storage.schema import HEAD, migrate, stored_revision
from core.storage.sqlite import Sqlite

__all__ = ("Backend", "Store")

P = ParamSpec("P")
T = TypeVar("T")
_Begin = Callable[[Connection], None]

_EXAMPLES = "Write it like sqlite:////home/me/chats.db or postgresql://user@host/name."


class Backend(Protocol):
    """What differs from one kind of database to the other.

    Attributes:
        place: the database as the user knows it: a path, or a URL without its password.
        file: the file it is in; ``None`` where it is on a server, or in memory.
        engine: makes the connection, and makes it anew when it is lost.
    """

    place: str
    file: Path | None
    engine: Engine

    def prepare(self) -> None:
        """Get ready what has to be there before one can connect."""

    def begin_reading(self, connection: Connection) -> None:
        """Begin a transaction that sees one consistent snapshot and waits for no writer."""

    def begin_writing(self, connection: Connection) -> None:
        """Begin a transaction that writes."""

    def begin_migrating(self, connection: Connection) -> None:
        """Begin a transaction that may change the tables, when no other process is at that."""

    def join(self, connection: Connection) -> Presence:
        """Let other TensorWalls on this database know that this one is there."""


class Store:
    """An open connection to a database whose tables are up to date.

    A connection that a server drops is lost with the work that was being done; the next piece of work
    makes a new one.

    Args:
        location: the path of an SQLite file, ``:memory:``, or a SQLAlchemy URL.

    Raises:
        ConfigurationError: the URL cannot be used, or its driver is not installed.
        StorageError: or one of its kin, when the database cannot be used; nothing was touched then.
    """

    def __init__(self, location: str | Path) -> None:
        self._backend = _backend(_url(location))
        self.place = self._backend.place
        self.file = self._backend.file
        self._begin: _Begin = self._backend.begin_reading
        event.listen(self._backend.engine, "begin", lambda connection: self._begin(connection))
        with translated(self.place):
            self._backend.prepare()
            self._connection = self._backend.engine.connect()
            try:
                self._bring_up_to_date()
                self.presence = self._backend.join(self._connection)
            except BaseException:
                self._connection.close()
                raise

    def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do work that only reads, from one snapshot."""
        return self._transact(self._backend.begin_reading, lambda: work(self._connection, *args, **kwargs))

    def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do work that writes, in a transaction of its own: stored whole, or not at all."""
        return self._transact(self._backend.begin_writing, lambda: work(self._connection, *args, **kwargs))

    def close(self) -> None:
        """Tell other processes that this one is gone, and close the connection."""
        with translated(self.place):
            try:
                self.presence.release()
            finally:
                self._connection.close()

    def _transact(self, begin: _Begin, work: Callable[[], T]) -> T:
        self._begin = begin
        with translated(self.place), self._connection.begin():
            return work()

    def _bring_up_to_date(self) -> None:
        if self.read(stored_revision, self.place) != HEAD:
            self._transact(self._backend.begin_migrating, lambda: migrate(self._connection, self.place))


def _url(location: str | Path) -> URL:
    if isinstance(location, Path) or "://" not in location:
        return URL.create("sqlite", database=str(location))
    try:
        return make_url(location)
    except (ArgumentError, ValueError):  # the latter where a port is no number
        raise ConfigurationError(
            "The database URL cannot be read.", key="TENSORWALL_DATABASE_URL", hint=_EXAMPLES
        ) from None


def _backend(url: URL) -> Backend:
    kind, _, _ = url.drivername.partition("+")
    if kind == "sqlite":
        return Sqlite(url)
    if kind in {"postgresql", "postgres"}:
        return Postgresql(url)
    raise ConfigurationError(
        f"The database URL is of a kind that TensorWall does not know: {kind}.",
        key="TENSORWALL_DATABASE_URL",
        hint=_EXAMPLES,
    )
