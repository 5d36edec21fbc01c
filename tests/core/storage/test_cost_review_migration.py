"""A database from before the cost review is summed up as if it had been there all the time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, NullPool, Table, create_engine, insert, make_url, select

from core.catalogue import load_catalogue
from core.records import open_records
from core.review import DIMENSIONS
from core.storage.schema import MIGRATIONS
from tests.core.review.plain_sums import grouped, same
from tests.core.review.sequences import rows
from tests.databases import NewDatabase

NEW = ("role", "reserved", "cache_saving", "audio_seconds", "characters", "key_id")


def write_old_database(location: str | Path, old_rows: list[dict[str, Any]], revision: str = "0003") -> None:
    """That revision, by its own migrations, with rows as it had them."""
    url = make_url(location) if isinstance(location, str) else make_url(f"sqlite:///{location}")
    if url.get_backend_name() == "sqlite":
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    else:
        url = url.set(drivername="postgresql+psycopg")
    with create_engine(url, poolclass=NullPool).begin() as connection:
        if connection.dialect.name == "postgresql":  # which comes with the tables of today
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        calls = Table("calls", MetaData(), autoload_with=connection)
        if old_rows:
            connection.execute(insert(calls), old_rows)
        assert ("role" in calls.c) == (revision > "0003")
        assert len(connection.execute(select(calls.c.call_id)).all()) == len(old_rows)


def as_it_was(number: int, row: dict[str, Any]) -> dict[str, Any]:
    """A row in the units of the database, of which that revision knew but some columns."""
    old = {name: value for name, value in row.items() if name not in NEW}
    micros = int(row["started_at"].timestamp()) * 1_000_000 + row["started_at"].microsecond
    cost = None if row["cost"] is None else int(row["cost"].scaleb(12))
    return {**old, "call_id": f"old {number}", "started_at": micros, "cost": cost}


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(rows, max_size=20))
async def test_old_rows_are_summed_up(new_database: NewDatabase, made: list[dict[str, Any]]) -> None:
    with new_database() as location:
        write_old_database(location, [as_it_was(number, row) for number, row in enumerate(made)])
        records = await open_records(location, load_catalogue())
        try:
            ledger = await records.ledger.rows()
            assert len(ledger) == len(made)
            assert not [call for call in ledger if call.outcome == "running"]  # nobody is left to settle them
            costs = {call.call_id: call.cost for call in ledger}
            assert all(
                costs[f"old {number}"] == row["cost"]
                for number, row in enumerate(made)
                if row["outcome"] != "running"
            )
            for by in ((), *((dimension,) for dimension in DIMENSIONS), ("session", "role", "day")):
                groups = await records.review.groups(by)
                expected = grouped(ledger, by)
                assert [group.keys for group in groups if group.totals.calls] == sorted(expected)
                assert all(same(group.totals, expected[group.keys]) for group in groups if group.totals.calls)
        finally:
            await records.aclose()


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(rows, max_size=20))
async def test_calls_of_keys_that_were_there_before_are_summed_up_by_key(
    new_database: NewDatabase, made: list[dict[str, Any]]
) -> None:
    with new_database() as location:
        added = {**dict.fromkeys(NEW), "reserved": None}
        old = [
            {**added, **row, **as_it_was(number, row), "cache_saving": None}
            for number, row in enumerate(made)
        ]
        write_old_database(location, old, "0007")
        records = await open_records(location, load_catalogue())
        try:
            ledger = await records.ledger.rows()
            assert [call.key_id for call in ledger].count("k1") == [row["key_id"] for row in made].count("k1")
            for by in (("key",), ("key", "session", "outcome"), ("model",), ("day", "key")):
                groups = {group.keys: group.totals for group in await records.review.groups(by)}
                expected = grouped(ledger, by)
                assert set(groups) == set(expected)
                assert all(same(groups[keys], expected[keys]) for keys in expected)
        finally:
            await records.aclose()


async def test_the_roles_of_old_rows_are_told_from_their_reasons(location: str | Path) -> None:
    first = {
        "session_id": "s", "message_id": "m", "feature": "chat", "route": "r", "provider": "p", "model": "x",
        "outcome": "answered", "prompt_tokens": 1, "completion_tokens": 1, "cached_tokens": 0,
        "reasoning_tokens": 0, "estimated": False, "cost": 5,
    }  # fmt: skip
    write_old_database(location, [
        {**first, "call_id": "a", "reason": "first in its tier", "started_at": 1},
        {**first, "call_id": "b", "reason": "once more: it was busy", "started_at": 2},
        {**first, "call_id": "c", "reason": "after p", "started_at": 3},
        {**first, "call_id": "d", "reason": "first in its tier", "started_at": 4, "message_id": "other"},
        {**first, "call_id": "e", "reason": "first in its tier", "started_at": 5, "message_id": None},
    ])  # fmt: skip
    records = await open_records(location, load_catalogue())
    roles = {call.call_id: call.role for call in await records.ledger.rows()}
    await records.aclose()
    assert roles == {"a": "first", "b": "retry", "c": "fallback", "d": "first", "e": "first"}
