"""What the ledger of a running gateway has of a request."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from core.costs.call_journal import journals_beside, marks_left_behind

__all__ = ("rows_of_request",)


def rows_of_request(home: Path, request_id: str) -> list[dict[str, Any]]:
    """Its calls in the order of their starts, once there are some and none runs any more."""
    file = home / "data" / "tensorwall.db"
    query = "SELECT * FROM calls WHERE client_request_id = ? ORDER BY started_at"
    while True:
        marked = _is_marked(file, request_id)
        with closing(sqlite3.connect(file)) as database:
            database.row_factory = sqlite3.Row
            rows = [dict(row) for row in database.execute(query, [request_id])]
        if rows and not marked and all(row["outcome"] != "running" for row in rows):
            return rows


def _is_marked(file: Path, request_id: str) -> bool:
    """Whether a call of it has no row yet."""
    folder = journals_beside(file)
    assert folder is not None
    journals = marks_left_behind(folder, lambda _: False).values()
    return any(mark.place["client_request_id"] == request_id for marks in journals for mark in marks)
