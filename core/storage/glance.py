"""One number of an SQLite file, read on the event loop: microseconds, since its page is in memory.

A write-ahead log lets everybody read while somebody writes, so that nobody is waited for; where that is not
so for a moment, as while a log is being recovered, there is no answer.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

__all__ = ("Glance",)


class Glance:
    """A question that takes no values, asked again and again.

    Args:
        file: the database.
        question: in SQL; its answer is one number.
    """

    def __init__(self, file: Path, question: str) -> None:
        self._question = question
        self._connection: sqlite3.Connection | None = sqlite3.connect(file, timeout=0, isolation_level=None)

    def read(self) -> int | None:
        """The number as it is now; ``None`` where it cannot be told at once."""
        if self._connection is None:
            return None
        try:
            # All rows, though there is one: until the last is taken the log could not be emptied.
            rows = self._connection.execute(self._question).fetchall()
        except sqlite3.Error:
            return None
        return int(rows[0][0]) if rows else None

    def close(self) -> None:
        """Close it, before the last other connection; safe to call twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
