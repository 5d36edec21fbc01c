"""LiteLLM's spend logs, as JSON in its several wrappings and as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from core.catalogue import Catalogue
from core.chat import Usage
from core.costs.imports import ImportReport, SkippedRow, import_usage
from core.costs.ledger import Ledger
from core.costs.ledger_records import CallRecord
from core.errors import InputError
from core.storage import Database
from core.storage.tables import imported_sessions
from tests.databases import on_sqlite

pytestmark = on_sqlite  # the same rows are written, whichever file they are from

Import = Callable[[Path], Any]


def spend_log(**values: Any) -> dict[str, Any]:
    return {
        "request_id": "chatcmpl-1",
        "call_type": "acompletion",
        "api_key": "88dc",
        "spend": 0.00012345678912,
        "total_tokens": 1_200,
        "prompt_tokens": 1_000,
        "completion_tokens": 200,
        "startTime": "2026-11-20T10:00:00.000Z",
        "endTime": "2026-11-20T10:00:02.500Z",
        "completionStartTime": "2026-11-20T10:00:00.400Z",
        "model": "groq/openai/gpt-oss-120b",
        "model_group": "fast",
        "custom_llm_provider": "groq",
        "api_base": "",
        "cache_hit": "False",
        "metadata": {
            "user_api_key_alias": "laptop",
            "usage_object": {
                "prompt_tokens_details": {"cached_tokens": 400},
                "completion_tokens_details": {"reasoning_tokens": 50},
            },
        },
        "session_id": "a-session",
        "status": "success",
        **values,
    }


def as_csv(rows: list[dict[str, Any]], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()}
        )
    return text.getvalue()


FORMS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "list": lambda rows: json.dumps(rows, indent=2).encode(),
    "object": lambda rows: json.dumps({"total": 2, "data": rows, "page": 1}).encode(),
    "lines": lambda rows: "\n".join(json.dumps(row) for row in rows).encode(),
    "csv": lambda rows: as_csv(rows).encode("utf-8-sig"),
    "semicolons": lambda rows: as_csv(rows, ";").encode(),
    "utf-16": lambda rows: json.dumps(rows).encode("utf-16"),
}


@pytest.fixture
def import_rows(tmp_path: Path, database: Database, catalogue: Catalogue) -> Callable[..., Any]:
    async def run(*rows: Any) -> ImportReport:
        path = tmp_path / "spend.json"
        path.write_text(json.dumps(rows), encoding="utf-8")
        return await import_usage(database, catalogue, path)

    return run


@pytest.fixture
def import_call(import_rows: Any, ledger: Ledger) -> Callable[..., Any]:
    async def run(**values: Any) -> CallRecord:
        assert (await import_rows(spend_log(**values))).new == 1
        (row,) = await ledger.rows()
        return row

    return run


@pytest.mark.parametrize("form", FORMS)
async def test_every_form_says_the_same(
    form: str, tmp_path: Path, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    path = tmp_path / "spend"
    rows = [spend_log(), spend_log(request_id="chatcmpl-2", startTime="2026-11-20 10:01:00.5+00")]
    path.write_bytes(FORMS[form](rows))
    report = await import_usage(database, catalogue, path)
    assert (report.kind, report.read, report.new, report.skipped) == ("litellm", 2, 2, 0)
    first, second = await ledger.rows()
    assert (first.provider, first.model) == ("groq", "openai/gpt-oss-120b")
    assert (first.route, first.reason) == ("groq/openai/gpt-oss-120b", "imported from LiteLLM")
    assert (first.feature, first.role, first.outcome) == ("chat", "first", "answered")
    assert (first.prompt_tokens, first.completion_tokens) == (1_000, 200)
    assert (first.cached_tokens, first.reasoning_tokens) == (400, 50)
    assert (first.duration, first.first_token, first.first_content) == (2.5, 0.4, 0.4)
    assert (first.request_id, first.message_id) == ("chatcmpl-1", None)
    assert second.started_at == datetime(2026, 11, 20, 10, 1, 0, 500_000, UTC)
    sessions = await database.read(lambda connection: connection.execute(select(imported_sessions)).all())
    assert [tuple(row) for row in sessions] == [(first.session_id, "litellm", "laptop, 2026-11-20")]


async def test_the_spend_is_kept_to_its_last_digit(import_call: Any) -> None:
    row = await import_call(spend=0.00012345678912)
    assert row.cost == Decimal("0.00012345678912").quantize(Decimal("1e-12"))
    assert (row.price_id, row.cache_saving) == ("litellm", None)


@pytest.mark.parametrize("spend", [0, 0.0, None, ""])
async def test_tokens_without_spend_are_priced_by_the_catalogue(
    spend: Any, import_call: Any, catalogue: Catalogue
) -> None:
    row = await import_call(spend=spend)
    price = catalogue.price("groq", "openai/gpt-oss-120b", row.started_at)
    assert price is not None
    assert row.cost == price.cost(Usage(1_000, 200, 400, 50))
    assert row.price_id == price.id


async def test_what_nobody_knows_the_price_of_stays_unknown(import_rows: Any, ledger: Ledger) -> None:
    report = await import_rows(spend_log(model="acme/new", custom_llm_provider="acme", spend=0))
    (row,) = await ledger.rows()
    assert (row.provider, row.model, row.cost, report.unknown_prices) == ("acme", "new", None, 1)


async def test_the_models_without_a_price_are_counted_the_most_called_first(import_rows: Any) -> None:
    claude = {"model": "claude-sonnet-4-5", "custom_llm_provider": "anthropic", "spend": 0}
    calls = [{"model": "acme/new", "custom_llm_provider": "acme", "spend": 0}, {}, claude, claude]
    rows = [spend_log(**values, request_id=f"r-{number}") for number, values in enumerate(calls)]
    report = await import_rows(*rows)
    assert [*report.unpriced.items()] == [("anthropic/claude-sonnet-4-5", 2), ("acme/new", 1)]
    assert report.unknown_prices == 3
    assert (await import_rows(*rows)).unpriced == {}


@pytest.mark.parametrize(
    ("values", "provider", "model"),
    [
        ({"model": "openai/gpt-4o", "custom_llm_provider": "openai"}, "openai", "gpt-4o"),
        ({"model": "gpt-4o", "custom_llm_provider": "azure"}, "azure", "gpt-4o"),
        ({"model": "gemini-2.5-flash", "custom_llm_provider": "gemini"}, "google", "gemini-2.5-flash"),
        ({"model": "ollama_chat/llama3.2", "custom_llm_provider": "ollama_chat"}, "ollama", "llama3.2"),
        ({"model": "lm_studio/qwen", "custom_llm_provider": "lm_studio"}, "lm-studio", "qwen"),
        ({"model": "gpt-4o", "custom_llm_provider": None}, "openai", "gpt-4o"),
        ({"model": "mystery", "custom_llm_provider": ""}, "litellm", "mystery"),
        ({"model": "groq/compound", "custom_llm_provider": "groq"}, "groq", "groq/compound"),
        (
            {
                "model": "openai/gpt-oss-20b",
                "custom_llm_provider": "openai",
                "api_base": "https://api.groq.com/openai/v1/",
            },
            "groq",
            "openai/gpt-oss-20b",
        ),
        (
            {"model": "openai/phi", "custom_llm_provider": "openai", "api_base": "http://localhost:11434/v1"},
            "ollama",
            "phi",
        ),
    ],
)
async def test_providers_are_named_as_the_catalogue_names_them(
    values: dict[str, Any], provider: str, model: str, import_call: Any
) -> None:
    row = await import_call(**values)
    assert (row.provider, row.model) == (provider, model)


async def test_a_failed_call_is_one(import_call: Any) -> None:
    row = await import_call(
        status="failure",
        spend=0,
        prompt_tokens=0,
        completion_tokens=0,
        metadata={"error_information": {"error_message": "Rate limit", "error_class": "RateLimitError"}},
    )
    assert (row.outcome, row.error, row.cost) == ("failed", "Rate limit", 0)


@pytest.mark.parametrize(
    ("call_type", "feature"),
    [
        ("aembedding", "embedding"),
        ("atranscription", "transcription"),
        ("anthropic_messages", "chat"),
        ("", "chat"),
        ("a_type_with_a_very_long_name", "a_type_with_a_very_l"),
    ],
)
async def test_only_calls_that_answer_people_count_as_turns(
    call_type: str, feature: str, import_call: Any, ledger: Ledger
) -> None:
    assert (await import_call(call_type=call_type)).feature == feature
    assert (await ledger.totals()).turns == (feature == "chat")


async def test_an_answer_that_was_not_streamed_has_no_first_token(import_call: Any) -> None:
    row = await import_call(completionStartTime="2026-11-20T10:00:02.500Z")
    assert (row.duration, row.first_token) == (2.5, None)


async def test_times_that_run_backwards_are_no_durations(import_call: Any) -> None:
    row = await import_call(endTime="2026-11-20T09:00:00Z")
    assert (row.duration, row.first_token) == (None, None)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"request_id": ""}, "no request_id or no model"),
        ({"model": None, "model_group": None}, "no request_id or no model"),
        ({"startTime": "soon"}, "startTime is not a time"),
        ({"startTime": "2099-01-01"}, "startTime is in the future"),
        ({"spend": -0.1}, "spend is negative"),
        ({"spend": float("nan")}, "spend is not a number"),
        ({"spend": float("inf")}, "spend is not a number"),
        ({"spend": "1e300"}, "spend is larger than can be"),
        ({"prompt_tokens": -5}, "prompt_tokens is negative"),
        ({"completion_tokens": 10**30}, "completion_tokens is larger than can be"),
        ({"completion_tokens": {}}, "completion_tokens is not a number"),
        ({"cache_hit": "True", "spend": 0}, "answered from LiteLLM's own cache"),
        (
            {"spend": None, "prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
            "neither token counts nor spend",
        ),
    ],
)
async def test_a_row_that_says_nothing_is_skipped_and_told(
    values: dict[str, Any], reason: str, import_rows: Any, ledger: Ledger
) -> None:
    report = await import_rows(spend_log(request_id="good"), spend_log(**values), 7)
    assert (report.read, report.new, report.skipped) == (3, 1, 2)
    assert report.reasons == {reason: 1, "not an object": 1}
    assert report.first_skipped[0] == SkippedRow("line 1, record 2", reason)
    assert [row.request_id for row in await ledger.rows()] == ["good"]


async def test_a_csv_row_of_another_length_is_skipped(
    tmp_path: Path, database: Database, catalogue: Catalogue
) -> None:
    text = as_csv([spend_log(), spend_log(request_id="2")])
    (tmp_path / "spend.csv").write_text(text + "half,a,row\n", encoding="utf-8")
    report = await import_usage(database, catalogue, tmp_path / "spend.csv")
    assert (report.new, report.skipped) == (2, 1)
    assert report.first_skipped == (SkippedRow("line 4", "not as many cells as there are columns"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no rows"),
        (b"[]", "has no rows"),
        (
            b"hello\nworld\n",
            "line 2: these are no spend logs of LiteLLM: there is no model and no req",
        ),
        (b'{"request_id": "1"}', "line 1, record 1: these are no spend logs of LiteLLM: there is no model"),
        (b"[1]", "line 1, record 1: these are no spend logs"),
        (b"\xff\xfe\x00", "no text in UTF-16"),
        (b"caf\xe9,b\n1,2\n", "no text in UTF-8"),
        (b"[" * 100_000, "line 1, record 1: this is no JSON"),
        (b'{"data": [}', "line 1, record 1: this is no JSON"),
        (b'request_id,model\n"1,x', "line 2: this is no CSV"),
    ],
)
async def test_another_file_is_refused(
    content: bytes, message: str, tmp_path: Path, database: Database, catalogue: Catalogue
) -> None:
    path = tmp_path / "spend"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        await import_usage(database, catalogue, path)
    assert caught.value.hint


async def test_a_file_that_is_half_written_names_its_line_and_what_was_kept(
    tmp_path: Path, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    path = tmp_path / "spend.json"
    rows = [json.dumps(spend_log(request_id=str(number))) for number in range(1_500)]
    path.write_text("[\n" + ",\n".join(rows)[:-40], encoding="utf-8")
    with pytest.raises(InputError, match="line 1501, record 1500: this is no JSON") as caught:
        await import_usage(database, catalogue, path)
    assert "1,000 calls were imported before that and stay" in caught.value.hint
    assert (await ledger.totals()).calls == 1_000
    path.write_text("[\n" + ",\n".join(rows) + "]", encoding="utf-8")
    report = await import_usage(database, catalogue, path)
    assert (report.new, report.known) == (500, 1_000)
