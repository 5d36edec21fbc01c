"""Audio in the ledger: what was billed, whatever became of the call."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from core.catalogue import load_catalogue
from core.costs.ledger import Ledger
from core.costs.speech_calls import SpeechCall, measured
from core.errors import RateLimited
from core.storage import open_database

TURBO = "whisper-large-v3-turbo"
ORPHEUS = "canopylabs/orpheus-v1-english"
CATALOGUE = load_catalogue()


def hearing(seconds: float, model: str = TURBO) -> SpeechCall:
    return SpeechCall("transcription", "groq", model, seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "cost"),
    [(2.5, "0.04"), (10, "0.04"), (90, "0.36")],
)
def test_ten_seconds_are_the_least_that_is_billed(seconds: float, cost: str) -> None:
    with measured(hearing(seconds), CATALOGUE) as call:
        pass
    assert call.outcome == "answered"
    assert call.cost == Decimal(cost) / 360  # of an hour
    assert call.price_id


def test_speech_is_billed_by_the_character() -> None:
    with measured(SpeechCall("speech", "groq", ORPHEUS, characters=500), CATALOGUE) as call:
        pass
    assert call.cost == Decimal("0.011")


def test_failures_cost_nothing_and_are_told_apart() -> None:
    call = hearing(3)
    with pytest.raises(RateLimited), measured(call, CATALOGUE):
        raise RateLimited("A limit is used up.", request_id="req_1")
    assert (call.outcome, call.cost, call.error_type, call.request_id) == (
        "failed", Decimal(0), "RateLimited", "req_1",
    )  # fmt: skip


def test_what_is_given_up_on_the_way_is_billed() -> None:
    call = hearing(3)
    with pytest.raises(asyncio.CancelledError), measured(call, CATALOGUE):
        raise asyncio.CancelledError
    assert call.outcome == "cancelled"
    assert call.cost


def test_an_unknown_price_is_unknown_and_time_is_measured() -> None:
    ticks = iter([1.0, 3.5])
    with measured(hearing(3, "whisper-9"), CATALOGUE, clock=lambda: next(ticks)) as call:
        pass
    assert call.cost is None
    assert call.duration == 2.5


async def test_calls_are_rows_of_the_ledger(tmp_path: Path) -> None:
    database = await open_database(tmp_path / "tensorwall.db")
    try:
        ledger = Ledger(database, CATALOGUE)
        with measured(hearing(4), CATALOGUE) as call:
            pass
        await ledger.book_speech(call, "session")
        (row,) = await ledger.rows("session")
        assert (row.feature, row.provider, row.model, row.outcome) == (
            "transcription", "groq", TURBO, "answered",
        )  # fmt: skip
        assert call.cost
        assert row.cost == call.cost.quantize(Decimal("1e-12"))  # what the ledger keeps
        assert row.started_at <= datetime.now(UTC)
        totals = await ledger.totals("session")
        assert (totals.calls, totals.cost, totals.total_tokens) == (1, row.cost, 0)
    finally:
        await database.aclose()
