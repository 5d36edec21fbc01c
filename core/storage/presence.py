"""Shows other TensorWalls on the same database that this one is alive.

Each open database holds a lock of its own that goes with the process, however that ends: on a file beside
the database, or on the server. A process id that is used again means nothing. Rows that a process is still
writing name its instance; whoever finds the lock of that instance free may finish them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from sqlalchemy import Connection, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError

from core.files import try_lock
from core.identifiers import new_id

__all__ = ("FilePresence", "Presence", "ServerPresence")

_IS_HELD = text(
    # CASE keeps the order; in one statement, so that nobody waits long who comes to life meanwhile.
    "SELECT CASE WHEN pg_try_advisory_lock(:key) THEN NOT pg_advisory_unlock(:key) ELSE true END"
)
_RELEASE = text("SELECT pg_advisory_unlock_shared(:key)")


class Presence:
    """An instance on a database that only this process can see.

    Attributes:
        id: the instance's.
    """

    def __init__(self) -> None:
        self.id = new_id()

    def is_alive(self, instance: str) -> bool:  # noqa: ARG002
        """Whether the instance still runs."""
        return True

    def release(self) -> None:
        """Say goodbye; safe to call twice."""


class FilePresence(Presence):
    """An instance that holds a lock on a file.

    Args:
        folder: where the lock files are; it is made where it is missing.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        with contextlib.suppress(FileNotFoundError):  # never made, or removed by the last one to leave
            for file in folder.iterdir():  # what the dead have left
                _remove_if_free(file)
        self._descriptor: int | None = _claim(folder / self.id)

    def is_alive(self, instance: str) -> bool:
        """Whether the instance still holds its lock."""
        return instance == self.id or not _remove_if_free(self._folder / instance)

    def release(self) -> None:
        """Give the lock back; safe to call twice."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        with contextlib.suppress(OSError):
            (self._folder / self.id).unlink()
        os.close(descriptor)
        with contextlib.suppress(OSError):  # others may be at home
            self._folder.rmdir()


class ServerPresence(Presence):
    """An instance that holds an advisory lock on a PostgreSQL server, by each connection it makes.

    The server drops it with the connection. The lock is a shared one, so that a new connection takes it while
    the server still believes in one that is lost; to ask for it exclusively tells whether anybody holds it.

    Args:
        connection: what this instance works with. Its engine takes the lock again when it connects anew.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection
        event.listen(connection.engine, "connect", self._hold)
        if connected := connection.connection.dbapi_connection:
            self._hold(connected)

    def is_alive(self, instance: str) -> bool:
        """Whether the instance still holds its lock; to be asked within a transaction."""
        if instance == self.id:
            return True
        return bool(self._connection.execute(_IS_HELD, {"key": _key(instance)}).scalar_one())

    def release(self) -> None:
        """Give the lock back; safe to call twice.

        Before the connection is closed, since the server would drop it a moment later only.
        """
        if self._connection.closed:
            return
        with contextlib.suppress(DBAPIError), self._connection.begin():  # a lost connection holds nothing
            self._connection.execute(_RELEASE, {"key": _key(self.id)})

    def _hold(self, connected: DBAPIConnection, _: object = None) -> None:
        cursor = connected.cursor()
        cursor.execute("SELECT pg_advisory_lock_shared(%s)", (_key(self.id),))
        cursor.close()
        connected.commit()  # the lock is the session's and stays


def _key(instance: str) -> int:
    """The 64 bits that name an instance's lock."""
    return int.from_bytes(hashlib.sha256(f"tensorwall {instance}".encode()).digest()[:8], signed=True)


def _claim(file: Path) -> int:
    """Make and lock the file; again when a cleaner removed it in between."""
    while True:
        # Not with exist_ok, which fails where the folder is removed before it is looked at.
        with contextlib.suppress(FileExistsError):
            file.parent.mkdir(parents=True)
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:  # the folder was removed by the last one to leave
            continue
        if try_lock(descriptor) and _is_same(file, descriptor):
            return descriptor
        os.close(descriptor)


def _remove_if_free(file: Path) -> bool:
    """Remove the file when nobody holds it; whether it is gone."""
    try:
        descriptor = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        if not try_lock(descriptor):
            return False
        with contextlib.suppress(OSError):
            file.unlink()
        return True
    finally:
        os.close(descriptor)


def _is_same(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
