"""What the database reports, as TensorWall's own errors: which file, what happened, what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, StatementError

from core.errors import DatabaseBusy, DatabaseDamaged, DiskFull, StorageError

__all__ = ("damaged", "storage_error", "translated")

_DISK_FULL = "53100"
_LOCK_NOT_AVAILABLE = "55P03"
"""PostgreSQL's codes (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn the errors of SQLAlchemy and its drivers into ``StorageError`` and its kin.

    Args:
        place: the database as the user knows it: a path, or a URL without its password.
    """
    try:
        yield
    except DBAPIError as error:
        raise storage_error(error.orig or error, place) from error
    except StatementError as error:
        raise storage_error(error.orig or error, place) from error
    except (sqlite3.Error, OSError) as error:
        raise storage_error(error, place) from error


def storage_error(error: BaseException, place: str) -> StorageError:
    """Build the error that fits, from SQLite's result code or PostgreSQL's SQLSTATE."""
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF  # the primary code
    state = getattr(error, "sqlstate", None)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED} or state == _LOCK_NOT_AVAILABLE:
        return DatabaseBusy(
            f"Another program keeps the database {place} locked.",
            hint="Close it, or wait until it is done, and try again.",
        )
    # Without room for its shared memory beside the database SQLite reports an error of input and output.
    full = code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE
    if full or state == _DISK_FULL:
        return DiskFull(
            f"There is no room left to write to the database {place}.",
            hint="Free some disk space; everything stored before is intact.",
        )
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return damaged(place, str(error))
    if code == sqlite3.SQLITE_READONLY:
        return StorageError(
            f"The database {place} is read-only.",
            hint="Make the file and its folder writable, or set TENSORWALL_HOME to another folder.",
        )
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM} or isinstance(error, OSError):
        return StorageError(
            f"The database {place} cannot be opened: {error}.",
            hint="Check that the folder exists and is yours, or set TENSORWALL_HOME to another one.",
        )
    if code == sqlite3.SQLITE_IOERR:
        return StorageError(
            f"Reading or writing the database {place} failed: {error}.",
            hint="Check the disk, its quota and the file-size limit; what was stored before is intact.",
        )
    return StorageError(f"The database {place} reported: {error}.")


def damaged(place: str, detail: str) -> DatabaseDamaged:
    """The error for a file that is not a sound TensorWall database; nothing was touched."""
    return DatabaseDamaged(
        f"{place} is damaged or is not a TensorWall database ({detail}).",
        hint="Nothing was changed. Move the file away to start afresh, or restore it from a backup.",
    )
