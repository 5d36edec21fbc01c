"""Rows that no TensorWall wrote so: what can be read of them is, and nothing else is lost."""

from __future__ import annotations

from typing import Any

import pytest

from core.catalogue import load_catalogue
from core.records import open_records
from core.review import DIMENSIONS

_ROW = (
    "INSERT INTO calls (call_id, session_id, feature, route, provider, model, reason, started_at, outcome, "
    "role, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, estimated, cost, duration) "
    "VALUES ('damaged', 's', 'chat', '*', 'groq', 'm', 'first', {started_at}, '{outcome}', 'first', "
    "1, 1, 0, 0, false, 5, {duration})"
)


@pytest.mark.parametrize("outcome", ["answered", "running"])
@pytest.mark.parametrize("started_at", [10**18, -(10**18), 0, 9 * 10**18])
@pytest.mark.parametrize("duration", ["1e11", "-1", "NULL"])
async def test_a_row_with_absurd_times_stops_nothing(
    location: Any, outcome: str, started_at: int, duration: str
) -> None:
    row = _ROW.format(started_at=started_at, outcome=outcome, duration=duration)
    records = await open_records(location, load_catalogue())
    await records.database.run(lambda connection: connection.exec_driver_sql(row))
    await records.aclose()
    records = await open_records(location, load_catalogue())
    try:
        totals = await records.review.totals()
        assert totals.calls == 1
        for dimension in DIMENSIONS:
            assert sum(part.totals.calls for part in await records.review.groups((dimension,))) == 1
        assert (await records.review.sessions()).sessions[0].id == "s"
        assert len(await records.review.turns("s")) == 1
        assert await records.review.month_forecast()
    finally:
        await records.aclose()
