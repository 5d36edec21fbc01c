"""What the database reports, as TensorWall's own errors: which database, what happened, what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from core.errors import DatabaseBusy, DatabaseDamaged, DiskFull, StorageError

__all__ = ("damaged", "foreign", "storage_error", "translated")

# PostgreSQL's codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
_BUSY = frozenset({"55P03", "40001", "40P01"})
"""A lock that was not to be had in time, and two transactions that were in each other's way."""
_DISK_FULL = "53100"
_NO_RIGHT = "42501"
_READ_ONLY = "25006"
_OUT_OF_RANGE = "22003"
_REFUSED = ("authentication failed", "no password supplied", "no pg_hba.conf entry", "role ")
"""What a server says to users it does not let in: while one connects there are no codes, and in a server's
other languages it is told as one that cannot be reached, in its own words."""


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Turn the errors of SQLAlchemy and its drivers into ``StorageError`` and its kin.

    Args:
        place: the database as the user knows it: a path, or a URL without its password.
    """
    try:
        yield
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _lost(place) from error
        if isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", "") is None:
            raise _unreachable(error.orig or error, place) from error
        raise storage_error(error.orig or error, place) from error
    except StatementError as error:
        raise storage_error(error.orig or error, place) from error
    except (sqlite3.Error, OSError) as error:
        raise storage_error(error, place) from error
    except OverflowError as error:  # SQLite's driver takes no number of more than 64 bits
        raise _too_large(place) from error


def storage_error(error: BaseException, place: str) -> StorageError:
    """Build the error that fits, from SQLite's result code or PostgreSQL's SQLSTATE."""
    if hasattr(error, "sqlstate"):
        return _of_postgresql(error, error.sqlstate, place)
    return _of_sqlite(error, place)


def _of_sqlite(error: BaseException, place: str) -> StorageError:
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF  # the primary code
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return _busy(place)
    # Without room for its shared memory beside the database SQLite reports an error of input and output.
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return _full(place)
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return damaged(place, str(error))
    if code == sqlite3.SQLITE_READONLY:
        return StorageError(
            f"The database {place} is read-only.",
            hint="Make the file and its folder writable, or set TENSORWALL_HOME to another folder.",
        )
    if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM} or isinstance(error, OSError):
        return StorageError(
            f"The database {place} cannot be opened: {_why_closed(error)}.",
            hint="Check that the folder exists and is yours, or set TENSORWALL_HOME to another one.",
        )
    if code == sqlite3.SQLITE_IOERR:
        return StorageError(
            f"Reading or writing the database {place} failed: {error}.",
            hint="Check the disk, its quota and the file-size limit; what was stored before is intact.",
        )
    if str(error) == "integer overflow":
        return _too_large(place)
    return StorageError(f"The database {place} reported: {error}.")


def _why_closed(error: BaseException) -> str:
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "what should be its folder is a file"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _of_postgresql(error: BaseException, state: str | None, place: str) -> StorageError:
    if state in _BUSY:
        return _busy(place)
    if state == _DISK_FULL:
        return _full(place)
    if state == _OUT_OF_RANGE:
        return _too_large(place)
    said = _first_line(error)
    if state == _NO_RIGHT:
        return StorageError(
            f"The user of the database {place} lacks a right: {said}.",
            hint="Make it the owner of the database, or grant it USAGE and CREATE on the schema public.",
        )
    if state == _READ_ONLY:
        return StorageError(
            f"The database {place} is read-only.",
            hint="Name the primary server in TENSORWALL_DATABASE_URL: this one only follows another.",
        )
    return StorageError(f"The database {place} reported: {said}.")


def _unreachable(error: BaseException, place: str) -> StorageError:
    """What is told where there is no connection."""
    said = _first_line(error).removeprefix("connection failed: ").removeprefix("connection is bad: ")
    if "database " in said and said.endswith("does not exist"):
        return StorageError(
            f"There is no database {place}.",
            hint="Create it on the server with: createdb NAME",
        )
    if any(reason in said for reason in _REFUSED):
        return StorageError(
            f"The server does not let you into the database {place}: {said}.",
            hint="Check user and password in TENSORWALL_DATABASE_URL, or in ~/.pgpass.",
        )
    return StorageError(
        f"The database {place} cannot be reached: {said}.",
        hint="Check that its server runs, and the address in TENSORWALL_DATABASE_URL.",
    )


def _first_line(error: BaseException) -> str:
    """The lines after it quote the statement and its values."""
    line, _, _ = str(error).partition("\n")
    return line


def _lost(place: str) -> StorageError:
    return StorageError(
        f"The connection to the database {place} was lost.",
        hint="Try again: it is made anew. If it is lost again, check the server and the network.",
    )


def _busy(place: str) -> DatabaseBusy:
    return DatabaseBusy(
        f"Another program keeps the database {place} locked.",
        hint="Close it, or wait until it is done, and try again.",
    )


def _full(place: str) -> DiskFull:
    return DiskFull(
        f"There is no room left to write to the database {place}.",
        hint="Free some disk space; everything stored before is intact.",
    )


def _too_large(place: str) -> StorageError:
    return StorageError(
        f"A sum in the database {place} is larger than it can hold.",
        hint="No use adds up to that: a call was imported wrong or is damaged. Look at less at once, such as "
        "`tensorwall costs --by day --since 7d` or one session, to find it.",
    )


def damaged(place: str, detail: str) -> DatabaseDamaged:
    """The error for a file that is not a sound TensorWall database; nothing was touched."""
    return DatabaseDamaged(
        f"{place} is damaged or is not a TensorWall database ({detail}).",
        hint="Nothing was changed. Move the file away to start afresh, or restore it from a backup.",
    )


def foreign(place: str) -> DatabaseDamaged:
    """The error for a database that belongs to another program; nothing was touched."""
    return DatabaseDamaged(
        f"The database {place} holds tables of another program.",
        hint="Nothing was changed. Give TensorWall a database of its own.",
    )
