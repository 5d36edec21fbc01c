"""Prices that calls were booked with are kept as they were."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.catalogue import LongPromptPrice, Price, SpeechPrice
from core.costs.price_rows import PriceRow, keep_price, price_row
from core.storage import Database, open_database

PRICE = Price(
    "p/m@2025-08-05", Decimal("0.150"), Decimal("0.75"), None, "https://prices.test", date(2025, 8, 5)
)


@pytest.fixture
async def database(location: str | Path) -> AsyncIterator[Database]:
    async with await open_database(location) as database:
        yield database


async def test_a_price_is_kept_with_all_its_digits(database: Database) -> None:
    await database.run(keep_price, "p", "m", PRICE)
    assert await database.read(price_row, PRICE.id) == PriceRow(
        PRICE.id, "p", "m", {"input": "0.150", "output": "0.75"}, "https://prices.test", "2025-08-05"
    )
    assert await database.read(price_row, "p/other@2025-08-05") is None


async def test_history_is_never_priced_anew(database: Database) -> None:
    await database.run(keep_price, "p", "m", PRICE)
    await database.run(keep_price, "p", "m", Price(PRICE.id, Decimal(9), Decimal(9)))
    kept = await database.read(price_row, PRICE.id)
    assert kept is not None
    assert kept.rates["input"] == "0.150"


async def test_what_long_prompts_and_cached_tokens_cost_is_kept(database: Database) -> None:
    longer = LongPromptPrice(200_000, Decimal("0.3"), Decimal("1.5"), Decimal("0.1"))
    price = Price(
        "p/long@2026-01-01", Decimal("0.15"), Decimal("0.75"), Decimal("0.07"), long_prompt=(longer,)
    )
    await database.run(keep_price, "p", "long", price)
    kept = await database.read(price_row, price.id)
    assert kept is not None
    assert kept.rates == {
        "input": "0.15",
        "output": "0.75",
        "cached_input": "0.07",
        "long_prompt": [{"above": 200_000, "input": "0.3", "output": "1.5", "cached_input": "0.1"}],
    }
    assert kept.valid_from is None


async def test_what_hearing_and_speaking_cost_is_kept(database: Database) -> None:
    heard = SpeechPrice(
        "p/ears@2025-01-01", per_audio_hour=Decimal("0.04"), minimum_seconds=10, source="s", valid_from=None
    )
    spoken = SpeechPrice(
        "p/voice@2025-01-01", per_million_characters=Decimal(22), source="s", valid_from=None
    )
    for model, price in (("ears", heard), ("voice", spoken)):
        await database.run(keep_price, "p", model, price)
    ears, voice = [await database.read(price_row, price.id) for price in (heard, spoken)]
    assert ears is not None
    assert voice is not None
    assert ears.rates == {"per_audio_hour": "0.04", "minimum_seconds": 10}
    assert voice.rates == {"per_million_characters": "22"}
