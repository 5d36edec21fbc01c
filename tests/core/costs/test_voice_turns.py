"""Receipts are kept whole, and percentiles are figures that were measured."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.costs.voice_turns import Latency, VoiceFigures, VoiceTurns, _latency
from core.storage import Database, open_database
from core.voice.receipt import Receipt

FULL = Receipt(
    turn=3,
    endpoint=0.2,
    transcript=0.1,
    first_token=0.15,
    first_audio=0.05,
    total=0.5,
    speculated=3,
    discarded=1,
    speculation_cost=Decimal("0.000123456789"),
)


@pytest.fixture
async def database(location: str | Path) -> AsyncIterator[Database]:
    async with await open_database(location) as database:
        yield database


async def test_a_receipt_comes_back_as_it_was(database: Database) -> None:
    turns = VoiceTurns(database)
    unknown = Receipt(turn=4, speculation_cost=None)
    await turns.add("session", "message", FULL)
    await turns.add("session", "message", unknown)
    assert await turns.receipts("session") == [FULL, unknown]
    assert await turns.receipts("another") == []


async def test_the_figures_of_a_session(database: Database) -> None:
    turns = VoiceTurns(database)
    for number in range(1, 101):
        receipt = Receipt(
            turn=number, total=number / 100, speculated=2, discarded=1, speculation_cost=Decimal(1)
        )
        await turns.add("session", "message", receipt)
    await turns.add("another", "message", Receipt(turn=1, total=9.0))
    figures = await turns.figures("session")
    assert figures.total == Latency(p50=0.5, p95=0.95)
    assert figures.endpoint is None
    assert (figures.turns, figures.speculated, figures.discarded) == (100, 200, 100)
    assert figures.speculation_cost == Decimal(100)


async def test_no_turns_have_no_figures(database: Database) -> None:
    assert await VoiceTurns(database).figures() == VoiceFigures()


@given(st.lists(st.none() | st.floats(0, 100)))
def test_percentiles_are_measured_figures_in_order(times: list[float | None]) -> None:
    known = [time for time in times if time is not None]
    latency = _latency(times)
    if not known:
        assert latency is None
        return
    assert latency is not None
    assert latency.p50 in known
    assert latency.p95 in known
    assert latency.p50 <= latency.p95
    assert sum(time <= latency.p50 for time in known) * 2 >= len(known)
