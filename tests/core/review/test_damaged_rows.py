"""Rows that no TensorWall wrote so: what can be read of them is, and nothing else is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from core.catalogue import load_catalogue
from core.records import open_records
from core.review import DIMENSIONS, render
from core.review.exports import FORMS
from core.review.turns import totals_of_calls

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


_NO_NUMBERS = (
    "INSERT INTO calls (call_id, session_id, feature, route, provider, model, reason, started_at, outcome, "
    "role, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, estimated, cost, duration) "
    "VALUES ('damaged', 's', 'chat', '*', 'groq', {model}, 'first', {started_at}, 'answered', 'first', "
    "{tokens}, 7, 0, 0, false, {cost}, {duration})"
)


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("garbage", ["'12 cents'", "x'00ff'", "0.5"])
async def test_what_is_no_number_is_counted_as_unknown_or_estimated(
    tmp_path: Path, garbage: str, beside: bool
) -> None:
    """SQLite alone takes such rows; a whole call before it has sums of its own kind."""
    whole = {"model": "'m'", "started_at": 0, "tokens": 3, "cost": 5_000_000, "duration": 1}
    records = await open_records(tmp_path / "ledger.db", load_catalogue())
    try:

        def write(connection: Connection, call_id: str, **values: object) -> None:
            row = _NO_NUMBERS.format(**whole | values).replace("damaged", call_id)
            connection.exec_driver_sql(row)

        if beside:
            await records.database.run(write, "whole")
        await records.database.run(write, "cost", cost=garbage)
        await records.database.run(write, "tokens", tokens=garbage)
        totals = await records.review.totals()
        assert (totals.calls, totals.unknown_price_calls, totals.estimated_calls) == (2 + beside, 1, 1)
        assert totals.estimated_cost == Decimal("0.000005")
        assert totals.cost == totals.estimated_cost * (1 + beside)
        assert totals.prompt_tokens == 3 * (1 + beside)
        assert (
            totals_of_calls(call for turn in await records.review.turns("s") for call in turn.calls) == totals
        )
        assert (await records.review.sessions()).sessions[0].totals == totals
    finally:
        await records.aclose()


async def test_a_row_of_nothing_but_blobs_stops_no_report(tmp_path: Path) -> None:
    blob = "x'ff00'"
    row = _NO_NUMBERS.format(model=blob, started_at=blob, tokens=blob, cost=blob, duration=blob)
    records = await open_records(tmp_path / "ledger.db", load_catalogue())
    try:
        await records.database.run(lambda connection: connection.exec_driver_sql(row))
        for dimension in DIMENSIONS:
            assert render(await records.review.group_report((dimension,)), "json")
        for report in (await records.review.session_report(), await records.review.call_report("s")):
            for form in FORMS:
                assert "(damaged)" in render(report, form)
        assert (await records.review.turns("s"))[0].calls[0].cost is None
    finally:
        await records.aclose()


async def test_rows_damaged_before_they_were_looked_after_are_mended_once(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    records = await open_records(file, load_catalogue())
    await records.aclose()
    with closing(sqlite3.connect(file)) as database, database:  # as the version before left it
        database.execute("DROP TRIGGER calls_mend_insert")
        database.execute("DROP TRIGGER calls_mend_update")
        database.execute("UPDATE alembic_version SET version_num = '0006'")
        values = {"model": "'m'", "started_at": 0, "duration": 1}
        database.execute(_NO_NUMBERS.format(tokens="'?'", cost="'?'", **values))
    records = await open_records(file, load_catalogue())
    totals = await records.ledger.totals()
    await records.aclose()
    assert (totals.calls, totals.unknown_price_calls, totals.estimated_calls) == (1, 1, 1)
