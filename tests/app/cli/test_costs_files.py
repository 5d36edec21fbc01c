"""`tensorwall costs --import` and `--audit`: usage that others kept."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from tests.app.cli.booked import NOW, SMALL, Ledger, exact
from tests.app.cli.conftest import Run


def test_usage_of_other_programs_is_imported_once(tensorwall: Run, tmp_path: Path) -> None:
    logs = tmp_path / "logs.db"
    with sqlite3.connect(logs) as database:
        database.execute("CREATE TABLE notes (id)")
    refused = tensorwall("costs", "--import", str(logs))
    assert refused.status == 2
    assert str(logs) in refused.err
    spend = {
        "request_id": "r-1", "call_type": "acompletion", "spend": 0.002, "total_tokens": 15,
        "prompt_tokens": 10, "completion_tokens": 5, "startTime": "2026-01-02T03:04:05Z",
        "endTime": "2026-01-02T03:04:06Z", "model": "gpt-4o", "custom_llm_provider": "openai",
        "session_id": "s-1", "status": "success",
    }  # fmt: skip
    rows = tmp_path / "spend.json"
    rows.write_text(json.dumps([spend]))
    first = tensorwall("costs", "--import", str(rows), "--format", "json")
    assert (first.status, first.json["new"], first.json["known"]) == (0, 1, 0), first.err
    piped = tensorwall(
        "costs", "--import", "-", stdin=json.dumps([spend, spend | {"startTime": "2099-01-01"}])
    )
    assert "line 1, record 2: startTime is in the future" in piped.out
    told = tensorwall("costs", "--session", "latest").out
    assert "as reckoned by LiteLLM" in told
    assert "(imported from LiteLLM)" in told
    again = tensorwall("costs", "--import", str(rows))
    assert again.out.splitlines()[1] == "1 was here already."
    assert exact(tensorwall("costs", "--format", "json").out)["totals"]["cost_usd"] == Decimal("0.002")


def test_an_import_names_the_models_without_a_price(tensorwall: Run, tmp_path: Path) -> None:
    spend = {"call_type": "acompletion", "spend": 0, "prompt_tokens": 10, "completion_tokens": 5,
             "startTime": "2026-01-02T03:04:05Z", "custom_llm_provider": "anthropic"}  # fmt: skip
    rows = tmp_path / "spend.json"
    models = ["claude-sonnet-4-5"] * 3 + [f"claude-{number}" for number in range(5)]
    rows.write_text(
        json.dumps([spend | {"request_id": f"r-{n}", "model": model} for n, model in enumerate(models)])
    )
    told = tensorwall("costs", "--import", str(rows)).out.splitlines()
    assert told[1:3] == [
        "8 of the new ones at an unknown price: not in the sums of money.",
        "  anthropic/claude-sonnet-4-5: 3 calls",
    ]
    assert told[-1] == "  … and 1 more model: 1 call"
    assert len(told) == 8
    for options in ((), ("--by", "provider")):
        review = tensorwall("costs", *options).out.splitlines()
        at = review.index("8 calls at an unknown price: not in the sums of money.")
        assert review[at + 1] == "  anthropic/claude-sonnet-4-5: 3 calls"
        assert review[at + 6] == "  … and 1 more model: 1 call"


def test_an_audit_tells_what_differs(tensorwall: Run, ledger: Ledger, tmp_path: Path) -> None:
    day = f"{NOW - timedelta(days=40):%Y-%m-%d}"
    same, other, broken = (tmp_path / name for name in ("same.csv", "other.csv", "broken.csv"))
    head = "date,model,requests,prompt_tokens,completion_tokens\n"
    same.write_text(f"{head}{day},{SMALL},1,300,30\n")
    other.write_text(f"{head}{day},{SMALL},1,301,30\n")
    broken.write_text(f"{head}{day},{SMALL},1,three,30\n")
    agreed = tensorwall("costs", "--audit", str(same), "--provider", "groq")
    assert (agreed.status, "agree" in agreed.out) == (0, True), agreed
    differs = tensorwall("costs", "--audit", str(other), "--provider", "groq")
    assert differs.status == 1
    assert "300 / 301" in differs.out
    (row,) = exact(tensorwall("costs", "--audit", str(other), "--provider", "groq", "--format", "json").out)
    assert (row["ours_prompt_tokens"], row["theirs_prompt_tokens"]) == (300, 301)
    piped = tensorwall("costs", "--audit", "-", "--provider", "groq", stdin=same.read_bytes())
    assert (piped.status, piped.out) == (0, agreed.out)
    refused = tensorwall("costs", "--audit", str(broken), "--provider", "groq")
    assert refused.status == 2
    assert "line 2" in refused.err
