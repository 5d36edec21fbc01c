"""Rows that another program, or one that was cut off, left incomplete: nothing stops at them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from core.catalogue import load_catalogue
from core.records import open_records
from core.storage import open_database
from core.storage.tables import calls

ROW: dict[str, Any] = {
    "call_id": "c", "feature": "chat", "route": "r", "provider": "p", "model": "m", "reason": "first",
    "started_at": datetime(2026, 11, 22, tzinfo=UTC), "outcome": "running", "prompt_tokens": 90,
    "completion_tokens": 0, "cached_tokens": 0, "reasoning_tokens": 0, "estimated": False,
}  # fmt: skip


async def test_a_running_call_that_nobody_makes_is_settled_when_the_records_are_opened(
    location: str | Path,
) -> None:
    def leave(connection: Connection) -> None:
        connection.execute(insert(calls), ROW)  # it has no writer

    async with await open_database(location) as database:
        await database.run(leave)
    records = await open_records(location, load_catalogue())
    (call,) = await records.ledger.rows()
    totals = await records.ledger.totals()
    await records.aclose()
    assert (call.outcome, call.prompt_tokens, call.cost) == ("crashed", 90, None)
    assert (totals.calls, totals.unknown_price_calls) == (1, 1)
