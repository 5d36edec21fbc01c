"""Money, times and text come back as they went in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Engine, Integer, MetaData, Table, create_engine, func, insert, select

from core.storage.types import Money, StoredText, UtcTime, storable

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cost", Money),
    Column("at", UtcTime),
    Column("text", StoredText),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = create_engine("sqlite://")
    else:
        engine = create_engine(request.getfixturevalue("postgres_server").url("postgres"))
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@given(st.lists(st.decimals(0, 1000, places=12), min_size=1, max_size=30))
def test_money_sums_exactly(engine, amounts: list[Decimal]) -> None:
    with engine.connect() as connection:
        connection.execute(insert(things), [{"cost": amount} for amount in amounts])
        assert connection.execute(select(func.sum(things.c.cost))).scalar() == sum(amounts)
        assert list(connection.execute(select(things.c.cost).order_by(things.c.id)).scalars()) == amounts


def test_money_finer_than_the_unit_is_rounded_half_to_even(engine) -> None:
    with engine.connect() as connection:
        for amount in ("0.0000000000005", "0.0000000000015"):
            connection.execute(insert(things).values(cost=Decimal(amount)))
        costs = connection.execute(select(things.c.cost).order_by(things.c.id)).scalars()
        assert list(costs) == [Decimal(0), Decimal("0.000000000002")]


@given(st.integers(-(10**15), 10**16), st.integers(-12 * 60, 14 * 60))
def test_times_keep_their_moment(engine, microseconds: int, minutes: int) -> None:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
    at = at.astimezone(timezone(timedelta(minutes=minutes)))
    with engine.connect() as connection:
        connection.execute(insert(things).values(at=at))
        stored = connection.execute(select(things.c.at)).scalar_one()
    assert stored == at
    assert stored.tzinfo is UTC


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        UtcTime().process_bind_param(datetime(2026, 1, 1), None)  # noqa: DTZ001


@given(st.text(st.characters(exclude_categories=()), max_size=50))
def test_any_text_can_be_stored(engine, text: str) -> None:
    with engine.connect() as connection:
        connection.execute(insert(things).values(text=text))
        stored = connection.execute(select(things.c.text)).scalar_one()
    assert stored == storable(text) == storable(stored)
    if not any(char == "\0" or 0xD800 <= ord(char) < 0xE000 for char in text):
        assert stored == text


def test_halves_of_a_surrogate_pair_are_joined() -> None:
    assert storable("\ud83d\ude00") == "😀"
    assert storable("a\ud83d") == "a\N{REPLACEMENT CHARACTER}"
    assert storable("a\0b") == "a\N{SYMBOL FOR NULL}b"
