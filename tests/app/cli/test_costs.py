"""`tensorwall costs`: what people and programs are told of the ledger."""

from __future__ import annotations

import re
import shlex
from decimal import Decimal
from pathlib import Path

import pytest

from core.catalogue import load_catalogue
from core.chat import ChatRequest, Message, UpstreamCall
from core.identifiers import new_id
from core.locations import find_locations
from core.records import open_records
from core.settings import BudgetSettings
from tests.app.cli.booked import BIG, NOW, Ledger, exact, rows_of
from tests.app.cli.conftest import ROOT, Run


def test_the_overview_tells_sums_sessions_and_findings(tensorwall: Run, ledger: Ledger) -> None:
    ran = tensorwall("costs")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert [line.split()[0] for line in lines[:5]] == ["cost", "today", "this", "this", "in"]
    assert lines[4].split()[2].startswith("~$")
    assert lines[4].split()[-3:-1] == [str(ledger.totals.turns), str(ledger.totals.calls)]
    assert "2 calls at an unknown price" not in ran.out
    assert "1 call at an unknown price: not in the sums of money." in ran.out
    assert "by estimate of the tokens of 1 call." in ran.out
    assert f"{ledger.deleted} " in ran.out
    assert "(deleted)" in ran.out
    assert "(outside of sessions)" in ran.out
    outside, rivers = (
        next(line.split() for line in lines if line.startswith(id_)) for id_ in ("- ", ledger.rivers)
    )
    assert re.fullmatch(r"~\d\d-\d\d", outside[1])  # to the quarter of an hour
    assert re.fullmatch(r"\d\d-\d\d", rivers[1])
    assert "Cached prompts saved $" in ran.out
    assert "Detours cost" in ran.out
    assert "1 fallback, 1 answer broken off." in ran.out
    assert "This month: " in ran.out
    assert "\x1b" not in ran.out


def test_a_session_is_told_by_turns_and_calls(tensorwall: Run, ledger: Ledger) -> None:
    ran = tensorwall("costs", "--session", ledger.rivers)
    assert "4 calls" in ran.out.splitlines()[1]
    turn, failed, error, answered = ran.out.splitlines()[8:12]
    assert "(question deleted)" in turn
    assert failed.startswith(f"└ first failed groq/{BIG}")
    assert error.strip().startswith("ServerFailed: busy")
    assert answered.startswith(f"└ fallback groq/{BIG}")
    assert answered.split()[3:7] == ["9k", "400", "200", "50"]
    assert "unknown" in ran.out
    assert "\x1b" not in ran.out
    assert tensorwall("costs", "--session", "latest").out == ran.out
    assert "(deleted)" in tensorwall("costs", "--session", ledger.deleted).out


@pytest.mark.parametrize(
    "options",
    [(), ("--by", "session,day,model"), ("--by", "outcome", "--sort", "cost"), ("--session", "latest")],
)
def test_the_rows_of_every_format_add_up_to_the_ledger(
    tensorwall: Run, ledger: Ledger, tmp_path: Path, options: tuple[str, ...]
) -> None:
    totals = ledger.rivers_totals if "latest" in options else ledger.totals
    as_csv, as_json = (tensorwall("costs", *options, "--format", form).out for form in ("csv", "json"))
    document = exact(as_json)
    assert document["totals"]["cost_usd"] == totals.cost
    assert document["totals"]["unknown_price_calls"] == totals.unknown_price_calls == 1
    for rows in (rows_of(as_csv), document["rows"]):
        assert sum(Decimal(row["cost_usd"] or 0) for row in rows) == totals.cost
        assert sum(int(row["prompt_tokens"]) for row in rows) == totals.prompt_tokens
    file = tmp_path / "costs.md"
    assert tensorwall("costs", *options, "-o", str(file)).status == 0
    written = file.read_text()
    assert f'"cost_usd": {str(totals.cost).rstrip("0")}' in written
    assert "currency: USD" in written
    for text in (as_csv, written):
        assert "\x1b" not in text


def test_what_nobody_knows_the_price_of_is_empty_not_zero(tensorwall: Run, ledger: Ledger) -> None:
    by_provider = ("costs", "--by", "provider", "--format")
    (csv_row,) = (row for row in rows_of(tensorwall(*by_provider, "csv").out) if row["provider"] == "nowhere")
    (json_row,) = (
        row for row in tensorwall(*by_provider, "json").json["rows"] if row["provider"] == "nowhere"
    )
    for name in ("cost_usd", "estimated_cost_usd", "cache_saving_usd"):
        assert (csv_row[name], json_row[name]) == ("", None)
    table = tensorwall("costs", "--by", "provider").out.splitlines()
    assert [line.split()[1] for line in table if line.startswith("nowhere")] == ["unknown"]


async def test_a_call_that_runs_is_told_with_what_it_may_cost(tensorwall: Run) -> None:
    records = await open_records(Path(find_locations().database("", demo=False)), load_catalogue())
    try:
        budgets = BudgetSettings.model_validate({"day": {"hard": 1}})
        call = UpstreamCall(
            call_id=new_id(), route="*", provider="groq", model=BIG, reason="first", started_at=NOW
        )
        request = ChatRequest(model=BIG, messages=[Message(role="user", content="hi")])
        await records.ledger.gate(budgets, "s").admit(call, request, 1_000)
        for options in ((), ("--by", "model")):
            ran = tensorwall("costs", *options)
            assert (ran.status, ran.err) == (0, "")
            assert ran.out.startswith("1 call is running, and may cost up to $0.000")
    finally:
        await records.aclose()


def test_no_cell_of_csv_is_a_formula(tensorwall: Run, ledger: Ledger) -> None:
    titles = [row["title"] for row in rows_of(tensorwall("costs", "--format", "csv").out)]
    assert any(title.startswith("'=HYPERLINK") for title in titles)


def test_before_anything_was_spent(tensorwall: Run) -> None:
    ran = tensorwall("costs")
    assert (ran.status, ran.out) == (0, "")
    assert "No calls are booked there yet." in ran.err
    assert tensorwall("costs", "--format", "json").json["rows"] == []
    assert tensorwall("costs", "--format", "csv").out.startswith("session,title,deleted,")
    assert "No session has cost anything yet" in tensorwall("costs", "--session", "latest").err


def test_what_the_demo_cost_is_kept_apart(tensorwall: Run) -> None:
    tensorwall("chat", "--demo", "hello")
    assert tensorwall("costs", "--format", "json").json["totals"]["calls"] == 0
    demo = tensorwall("costs", "--demo", "--session", "latest", "--format", "json").json
    assert demo["rows"][0]["question"] == "hello"
    assert demo["totals"]["turns"] == 1


def test_the_examples_of_the_readme_run(tensorwall: Run, ledger: Ledger, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = [line for line in readme.splitlines() if line.startswith("tensorwall costs")]
    examples = [shlex.split(line, comments=True)[2:] for line in lines]
    assert len(examples) >= 10
    for options in examples:
        if {"--watch", "--import", "--audit"} & {*options}:
            continue  # never ends, or needs somebody else's file
        ran = tensorwall("costs", *(word.replace("november", f"{tmp_path}/november") for word in options))
        assert ran.status == 0, ran.err
    assert (tmp_path / "november.csv").read_text().startswith("session,title,deleted,")
