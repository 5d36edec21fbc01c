"""Noticing that something was written, without reading what; on the storage worker."""

from __future__ import annotations

from sqlalchemy import Connection, text

__all__ = ("version",)

_QUERIES = {
    "sqlite": "PRAGMA data_version",  # https://sqlite.org/pragma.html#pragma_data_version
    "postgresql": "SELECT CAST(pg_current_snapshot() AS text)",
}


def version(connection: Connection) -> str:
    """A text that differs from the one before when another process has written since.

    It may also differ when nothing of the ledger has changed; it takes no time that could be noticed.
    """
    return str(connection.execute(text(_QUERIES[connection.dialect.name])).scalar_one())
