"""One writer of the ledger at a time, in all processes on one database."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

__all__ = ("lock_ledger",)

_LOCK = 0x7E5_0B0D6


def lock_ledger(connection: Connection) -> None:
    """Let nobody else write to the ledger before this transaction ends; SQLite lets nobody else write anyway.

    Who reserves counts on nobody reserving the same money, and who settles several calls writes to sums that
    others write to, in an order of its own: without it two of them could wait for each other.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
