"""The history of ``llm``, of every version that counts tokens, read while it is in use."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.catalogue import Catalogue
from core.costs.imports import SkippedRow, import_usage
from core.costs.ledger import Ledger
from core.errors import InputError
from core.storage import Database
from core.storage.tables import imported_sessions
from tests.core.costs.imports.llm_database import RESPONSES, VERSIONS, LlmDatabase
from tests.databases import on_sqlite

pytestmark = on_sqlite  # the same rows are written, whichever file they are from


@pytest.fixture
def logs(tmp_path: Path) -> Iterator[Callable[[str], LlmDatabase]]:
    opened: list[LlmDatabase] = []

    def make(version: str = "0.32") -> LlmDatabase:
        opened.append(LlmDatabase(tmp_path / "logs.db", version))
        return opened[-1]

    yield make
    for database in opened:
        database.close()


async def session_names(database: Database) -> set[tuple[str, str, str]]:
    rows = await database.read(lambda connection: connection.execute(select(imported_sessions)).all())
    return {tuple(row) for row in rows}


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_version_that_counts_tokens_is_read(
    version: str, logs: Any, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    llm = logs(version)
    llm.converse("c1", "About  whales")
    details = {
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 50},
    }
    llm.call("r1", conversation="c1", details=details)
    llm.call("r2", conversation="c1", datetime_utc="2026-11-20T11:00:00+00:00")
    report = await import_usage(database, catalogue, llm.path)
    assert (report.kind, report.read, report.new, report.known, report.skipped) == ("llm", 2, 2, 0, 0)
    assert (report.sessions, report.unknown_prices) == (1, 0)

    first, second = await ledger.rows()
    assert first.started_at == datetime(2026, 11, 20, 10, 0, 0, 123456, UTC)
    assert second.started_at == datetime(2026, 11, 20, 11, tzinfo=UTC)
    assert (first.provider, first.model, first.route) == (
        "groq",
        "openai/gpt-oss-120b",
        "groq/openai/gpt-oss-120b",
    )
    assert (first.feature, first.role, first.outcome) == ("chat", "first", "answered")
    assert first.reason == "imported from llm"
    assert (first.prompt_tokens, first.completion_tokens) == (1_000, 200)
    assert (first.cached_tokens, first.reasoning_tokens) == (400, 50)
    assert (first.duration, first.first_token, first.message_id) == (1.5, None, None)
    price = catalogue.price("groq", "openai/gpt-oss-120b", first.started_at)
    assert price is not None
    assert first.price_id == price.id
    assert (
        first.cost
        == (600 * price.input + 400 * (price.cached_input or price.input) + 200 * price.output) / 1_000_000
    )
    assert first.session_id == second.session_id is not None
    assert await session_names(database) == {(first.session_id, "llm", "About whales")}
    totals = await ledger.totals(first.session_id)
    assert (totals.calls, totals.turns) == (2, 2)


async def test_a_conversation_without_a_name_is_called_by_its_first_words(
    logs: Any, database: Database, catalogue: Catalogue
) -> None:
    llm = logs()
    llm.converse("c1", None)
    llm.call("r1", conversation="c1", prompt="  Tell me\n\x1b[31mall about " + "whales " * 30)
    llm.call("r2", conversation="c1", prompt="And again")
    await import_usage(database, catalogue, llm.path)
    ((_, _, title),) = await session_names(database)
    assert title.startswith("Tell me ␛[31mall about whales whales")
    assert len(title) <= 60


async def test_importing_again_adds_only_what_is_new(
    logs: Any, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    llm = logs()
    llm.call("r1")
    await import_usage(database, catalogue, llm.path)
    llm.call("r2", model="gpt-4o-mini")
    report = await import_usage(database, catalogue, llm.path)
    assert (report.read, report.new, report.known) == (2, 1, 1)
    assert [row.provider for row in await ledger.rows()] == ["groq", "openai"]


async def test_what_was_copied_to_the_new_tables_counts_once(
    logs: Any, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    llm = logs()
    llm.call("r1")
    old = {"model": "gpt-4o", "prompt": "Hi", "datetime_utc": "2025-01-01T00:00:00", "input_tokens": 1}
    llm.response("r1", **old)
    llm.response("r0", **old)
    report = await import_usage(database, catalogue, llm.path)
    assert (report.read, report.new, report.known) == (3, 2, 1)
    assert {row.model for row in await ledger.rows()} == {"gpt-4o", "openai/gpt-oss-120b"}


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("gpt-4o-mini", "openai", "gpt-4o-mini"),
        ("o3-mini", "openai", "o3-mini"),
        ("groq/llama-3.3-70b-versatile", "groq", "llama-3.3-70b-versatile"),
        ("groq/openai/gpt-oss-20b", "groq", "openai/gpt-oss-20b"),
        ("groq/compound", "groq", "groq/compound"),
        ("groq/groq/compound", "groq", "groq/compound"),
        ("groq-llama-3.3-70b", "groq", "llama-3.3-70b-versatile"),
        ("groq-mixtral", "groq", "mixtral-8x7b-32768"),
        ("anthropic/claude-opus-4-0", "anthropic", "claude-opus-4-0"),
        ("claude-3-opus-20240229", "anthropic", "claude-3-opus-20240229"),
        ("gemini/gemini-2.5-flash", "google", "gemini-2.5-flash"),
        ("openrouter/anthropic/claude-3.5-sonnet", "openrouter", "anthropic/claude-3.5-sonnet"),
        ("llama3.2:latest", "llm", "llama3.2:latest"),
        ("somewhere/else", "somewhere", "else"),
    ],
)
async def test_models_are_named_as_the_catalogue_names_them(
    model: str, provider: str, name: str, logs: Any, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    llm = logs()
    llm.call("r1", model=model)
    report = await import_usage(database, catalogue, llm.path)
    (row,) = await ledger.rows()
    assert (row.provider, row.model, row.route) == (provider, name, model)
    assert report.unknown_prices == (row.cost is None)
    assert (await ledger.totals()).unknown_price_calls == report.unknown_prices


async def test_the_model_that_answered_is_the_one_that_is_priced(
    logs: Any, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    llm = logs("0.26")
    llm.call("r1", model="gpt-4o-mini", resolved_model="gpt-4o-mini-2024-07-18")
    await import_usage(database, catalogue, llm.path)
    (row,) = await ledger.rows()
    assert (row.route, row.model) == ("gpt-4o-mini", "gpt-4o-mini-2024-07-18")
    assert row.cost == (1_000 * Decimal("0.15") + 200 * Decimal("0.6")) / 1_000_000


async def test_tokens_that_anthropic_counts_apart_belong_to_the_prompt(
    logs: Any, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    llm = logs()
    details = {"cache_read_input_tokens": 700, "cache_creation_input_tokens": 30}
    llm.call("r1", model="anthropic/claude-opus-4-0", details=details)
    await import_usage(database, catalogue, llm.path)
    (row,) = await ledger.rows()
    assert (row.prompt_tokens, row.cached_tokens) == (1_730, 700)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"input_tokens": None, "output_tokens": None}, "no token counts"),
        ({"input_tokens": -1}, "input_tokens is negative"),
        ({"output_tokens": 10**15}, "output_tokens is larger than can be"),
        ({"output_tokens": "many"}, "output_tokens is not a number"),
        ({"input_tokens": 0.5}, "input_tokens is not a whole number"),
        ({"input_tokens": float("inf")}, "input_tokens is not a number"),
        ({"datetime_utc": None}, "datetime_utc is missing"),
        ({"datetime_utc": "yesterday"}, "datetime_utc is not a time"),
        ({"datetime_utc": "2099-01-01T00:00:00"}, "datetime_utc is in the future"),
        ({"datetime_utc": "0001-01-01T00:00:00"}, "datetime_utc is not a time between 2000 and 2100"),
        ({"model": None}, "no id or no model"),
        ({"model": b"\xff\xfe"}, "the id or the model is no text"),
    ],
)
async def test_a_row_that_says_nothing_is_skipped_and_told(
    values: dict[str, Any], reason: str, logs: Any, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    llm = logs()
    llm.call("bad", **values)
    llm.call("good", details="no object")
    report = await import_usage(database, catalogue, llm.path)
    assert (report.read, report.new, report.skipped, report.reasons) == (2, 1, 1, {reason: 1})
    assert report.first_skipped == (SkippedRow("row 1 of turns", reason),)
    assert len(await ledger.rows()) == 1


async def test_the_file_is_never_changed_and_llm_may_write_at_any_moment(
    logs: Any, database: Database, catalogue: Catalogue
) -> None:
    llm = logs()
    for number in range(2_500):
        llm.connection.execute(
            "INSERT INTO turns (id, model, datetime_utc, input_tokens) VALUES (?, 'gpt-4o', '2026-01-01', 1)",
            (str(number),),
        )
    llm.connection.commit()
    before = hashlib.sha256(llm.path.read_bytes()).digest()
    await import_usage(database, catalogue, llm.path)
    assert hashlib.sha256(llm.path.read_bytes()).digest() == before
    writes = 0

    def write(read: int, total: int) -> None:
        nonlocal writes
        writes += 1
        llm.call(f"meanwhile {writes}")  # would wait and fail where a read were open

    report = await import_usage(database, catalogue, llm.path, progress=write)
    assert writes > 2
    assert report.known == 2_500
    assert report.new > 0


async def test_a_locked_database_is_told(
    logs: Any, database: Database, catalogue: Catalogue, monkeypatch: Any
) -> None:
    monkeypatch.setattr("core.costs.imports.llm_logs._BUSY_TIMEOUT", 0.0)
    llm = logs()
    llm.connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(InputError, match="locked by another program") as caught:
        await import_usage(database, catalogue, llm.path)
    assert "try again" in caught.value.hint


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("CREATE TABLE notes (id)", "a database, but not the history of llm"),
        (RESPONSES, "token counts cannot be read"),
        (
            VERSIONS["0.32"] + "ALTER TABLE turns RENAME COLUMN input_tokens TO tokens_in",
            "token counts cannot be read",
        ),
    ],
    ids=["other", "older", "newer"],
)
async def test_another_schema_is_refused(
    script: str, message: str, tmp_path: Path, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    connection = sqlite3.connect(tmp_path / "logs.db")
    connection.executescript(script)
    connection.close()
    with pytest.raises(InputError, match=message) as caught:
        await import_usage(database, catalogue, tmp_path / "logs.db")
    assert caught.value.hint
    assert await ledger.rows() == []


async def test_damage_on_the_way_keeps_what_was_imported_and_says_so(
    logs: Any, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    llm = logs()
    for number in range(5_000):
        llm.connection.execute(
            "INSERT INTO turns (id, model, datetime_utc, input_tokens, options_json) VALUES (?, ?, ?, 1, ?)",
            (str(number), "gpt-4o", "2026-01-01", "x" * 500),
        )
    llm.connection.commit()
    content = bytearray(llm.path.read_bytes())
    page_size = int.from_bytes(content[16:18])
    leaves = [at for at in range(0, len(content), page_size) if content[at] == 0x0D]  # of tables, not indexes
    broken = leaves[len(leaves) // 2]
    content[broken : broken + page_size] = b"\xff" * page_size
    llm.path.write_bytes(content)
    with pytest.raises(InputError, match="cannot be read as a database") as caught:
        await import_usage(database, catalogue, llm.path)
    kept = (await ledger.totals()).calls
    assert 0 < kept < 5_000
    assert f"{kept:,} calls were imported before that and stay" in caught.value.hint
