"""`tensorwall costs`: what people and programs are told of the ledger."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.catalogue import load_catalogue
from core.chat import UpstreamCall, Usage
from core.costs.ledger_records import Totals
from core.identifiers import new_id
from core.locations import find_locations
from core.records import Records, open_records
from tests.app.cli.conftest import COMMAND, ROOT, OnTerminal, Run, environment
from tests.simulated import Simulated

BIG, SMALL = "openai/gpt-oss-120b", "openai/gpt-oss-20b"
NOW = datetime.now(UTC)


def exact(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def book(records: Records, session: str | None, usage: Usage | None, **values: Any) -> None:
    feature, ends = values.pop("feature", "chat"), values.pop("ends", True)
    made = UpstreamCall(
        call_id=new_id(),
        route="*",
        provider=values.pop("provider", "groq"),
        model=values.pop("model", BIG),
        reason="first",
        role=values.pop("role", "first"),
        started_at=NOW - timedelta(days=values.pop("days", 0)),
    )
    observer = records.ledger.observer(session, values.pop("message", None), feature)
    observer.call_started(made)
    made.outcome, made.usage, made.duration, made.first_token, made.first_content = (
        "answered",
        usage,
        2,
        0.1,
        0.2,
    )
    for name, value in values.items():
        setattr(made, name, value)
    if ends:
        observer.call_ended(made)


class Ledger:
    """What was booked: the ids of its sessions, and the sums by the ledger's own word."""

    def __init__(self) -> None:
        self.file = Path(find_locations().database("", demo=False))
        self.rivers = self.deleted = ""
        self.totals = self.rivers_totals = Totals()

    async def fill(self) -> None:
        records = await open_records(self.file, load_catalogue())
        conversations = records.conversations
        self.rivers = (await conversations.create(title='=HYPERLINK("evil") \x1b[31m rivers')).id
        self.deleted = (await conversations.create(title="Gone")).id
        book(records, self.deleted, Usage(300, 30), message="d1", days=40, model=SMALL)
        book(
            records,
            self.rivers,
            None,
            message="r1",
            outcome="failed",
            error="busy\n\x1b[2J",
            error_type="ServerFailed",
        )
        book(records, self.rivers, Usage(9_000, 200, 400, 50), message="r1", role="fallback")
        book(records, self.rivers, None, message="r2", outcome="interrupted", output_characters=500, days=1)
        book(records, self.rivers, Usage(70, 7), message="r3", provider="nowhere", model="unheard-of")
        book(records, None, Usage(9, 9), feature="voice")
        await conversations.delete(self.deleted)
        self.totals = await records.ledger.totals()
        self.rivers_totals = await records.ledger.totals(self.rivers)
        await records.aclose()


@pytest.fixture
async def ledger() -> Ledger:
    ledger = Ledger()
    await ledger.fill()
    return ledger


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
    assert "Cached prompts saved $" in ran.out
    assert "Detours cost" in ran.out
    assert "1 fallbacks" in ran.out
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


def test_no_cell_of_csv_is_a_formula(tensorwall: Run, ledger: Ledger) -> None:
    titles = [row["title"] for row in rows_of(tensorwall("costs", "--format", "csv").out)]
    assert any(title.startswith("'=HYPERLINK") for title in titles)


@pytest.mark.parametrize(
    ("options", "calls"),
    [
        (("--since", "7d"), 5),
        (("--until", "7d"), 1),
        (("--since", "yesterday", "--until", "yesterday"), 1),
        (("--filter", "model:gpt-oss-20b"), 1),
        (("--filter", "outcome:failed outcome:interrupted"), 2),
        (("--filter", "rivers provider:groq"), 3),
    ],
)
def test_the_scope_is_narrowed(tensorwall: Run, ledger: Ledger, options: tuple[str, ...], calls: int) -> None:
    report = tensorwall("costs", *options, "--by", "model", "--format", "json").json
    assert report["totals"]["calls"] == sum(row["calls"] for row in report["rows"]) == calls


def test_rows_are_sorted_and_limited(tensorwall: Run, ledger: Ledger) -> None:
    rows = tensorwall("costs", "--by", "model", "--sort", "tokens", "-n", "2", "--format", "json").json
    assert [row["model"] for row in rows["rows"]] == [BIG, SMALL]
    assert rows["count"] == 3
    table = tensorwall("costs", "--by", "model", "--sort", "tokens", "-n", "2").out
    assert "… and 1 more." in table
    dearest = tensorwall("costs", "--sort", "cost", "-n", "1", "--format", "json").json["rows"]
    assert [row["session"] for row in dearest] == [ledger.rivers]


def test_on_another_model(tensorwall: Run, ledger: Ledger) -> None:
    answer = exact(
        tensorwall("costs", "--instead", SMALL, "--session", ledger.rivers, "--format", "json").out
    )
    assert (answer["calls"], answer["left_out"], answer["unknown_price_calls"]) == (2, 1, 1)
    assert answer["actual_usd"] == ledger.rivers_totals.cost
    assert 0 < answer["instead_usd"] < answer["actual_usd"]
    words = tensorwall("costs", "--instead", f"groq/{SMALL}", "--session", "latest").out
    assert "less (" in words
    assert "at an unknown price" in words


def test_budgets(tensorwall: Run, ledger: Ledger) -> None:
    none = tensorwall("costs", "--budgets")
    assert (none.status, none.out) == (0, "")
    assert "config set budgets.month.hard" in none.err
    tensorwall("config", "set", "budgets.month.hard", "2")
    tensorwall("config", "set", "budgets.session.soft", "0.5")
    (month,) = exact(tensorwall("costs", "--budgets", "--format", "json").out)
    assert (month["budget"], month["hard_usd"], month["held_usd"]) == ("month", 2, 0)
    assert month["left_usd"] == 2 - month["spent_usd"]
    table = tensorwall("costs", "--budgets", "--session", "latest").out.splitlines()
    assert [line.split()[0] for line in table] == ["budget", "session", "month"]
    assert "with a new session" in table[1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--since", "soon"), "'soon' is no day or time"),
        (("--since", "2026-02-30"), "'2026-02-30' is no day"),
        (("--since", "today", "--until", "yesterday"), "--until is not after --since"),
        (("--by", "weather"), "there is no 'weather'"),
        (("--filter", "colour:red"), "There is no field 'colour'"),
        (("--session", "nonesuch"), "No calls are booked for a session 'nonesuch'"),
        (("--session", ""), "No calls are booked for a session ''"),
        (("--sort", "beauty"), "cannot be sorted by 'beauty'"),
        (("--by", "model", "--sort", "duration"), "cannot be sorted by 'duration'"),
        (("--instead", "nonesuch"), "There is no model 'nonesuch'"),
        (("--budgets", "--by", "day"), "--budgets and --by exclude each other"),
        (("--watch", "-o", "x.csv"), "--watch and -o exclude each other"),
        (("--watch", "--format", "csv"), "--format csv is for sessions"),
        (("--session", "latest", "--since", "7d"), "--session shows all its turns"),
        (("--provider", "groq"), "it needs --audit"),
        (("-o", "costs.xlsx"), "costs.xlsx does not tell what to write"),
        (("-o", "costs.csv", "--format", "table"), "-o writes csv, json or markdown"),
        (("-n", "0"), "0 is not in the range"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(
    tensorwall: Run, ledger: Ledger, options: tuple[str, ...], told: str
) -> None:
    ran = tensorwall("costs", *options)
    assert (ran.status, ran.out) == (2, "")
    assert told in ran.err
    assert len(ran.err.splitlines()) >= 2, "a hint says what to do"


def test_before_anything_was_spent(tensorwall: Run) -> None:
    ran = tensorwall("costs")
    assert (ran.status, ran.out) == (0, "")
    assert "No calls are booked there yet." in ran.err
    assert tensorwall("costs", "--format", "json").json["rows"] == []
    assert tensorwall("costs", "--format", "csv").out.startswith("session,title,deleted,")
    assert "No session has cost anything yet" in tensorwall("costs", "--session", "latest").err


def test_an_export_replaces_no_file_and_leaves_no_half_of_one(
    tensorwall: Run, ledger: Ledger, tmp_path: Path
) -> None:
    mine, closed = tmp_path / "mine.csv", tmp_path / "closed"
    mine.write_text("mine")
    ran = tensorwall("costs", "-o", str(mine))
    assert (ran.status, mine.read_text()) == (2, "mine")
    assert "is there already" in ran.err
    assert "There is no folder" in tensorwall("costs", "-o", str(tmp_path / "no" / "x.csv")).err
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        closed = Path("/proc")  # nobody may make a file there, not even root
    ran = tensorwall("costs", "-o", str(closed / "x.csv"))
    assert ran.status == 2
    assert "tensorwall: " in ran.err
    assert sorted(tmp_path.glob("*.csv")) == [mine]


def costs_into(stdout: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, "costs"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(None),
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told(ledger: Ledger) -> None:
    with Path("/dev/full").open("wb") as full:
        done = costs_into(full)
    assert done.returncode == 1
    assert b"stdout cannot be written" in done.stderr


def test_a_reader_that_goes_away_ends_it_quietly(ledger: Ledger) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = costs_into(writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_on_a_narrow_terminal_no_line_is_wrapped(
    on_terminal: Callable[..., OnTerminal], ledger: Ledger
) -> None:
    for options in ((), ("--by", "session,role"), ("--session", ledger.rivers)):
        terminal = on_terminal("costs", *options, columns=80, env={"NO_COLOR": "1"})
        assert terminal.wait() == 0
        assert b"\x1b" not in terminal.raw
        assert max(map(len, terminal.seen.splitlines())) <= 80
        assert "tok/s" in terminal.seen or "└ first failed" in terminal.seen


def test_watching_writes_a_line_of_json_at_every_change(
    tensorwall: Run, start: Callable[..., subprocess.Popen[bytes]], ledger: Ledger, simulator: Simulated
) -> None:
    simulator.configure(text="Yes.")
    process = start("costs", "--watch", "--format", "json", "--by", "model")
    assert process.stdout is not None
    with io.BufferedReader(process.stdout) as lines:  # type: ignore[type-var]
        before = exact(lines.readline().decode())
        assert before["totals"]["cost_usd"] == ledger.totals.cost
        cost = Decimal(str(tensorwall("chat", "hi", "-m", BIG, "--output", "json").json["cost_usd"]))
        while (after := exact(lines.readline().decode()))["totals"]["turns"] == before["totals"]["turns"]:
            continue
        assert after["totals"]["cost_usd"] >= before["totals"]["cost_usd"] + cost
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


def test_watching_on_a_terminal_draws_in_place_and_leaves_what_was_seen(
    on_terminal: Callable[..., OnTerminal], ledger: Ledger
) -> None:
    terminal = on_terminal("costs", "--watch", columns=80)
    terminal.expect("in all")
    terminal.expect_bytes(b"\x1b[?1049h")
    terminal.send("\x03")
    assert terminal.wait() == 130
    last = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "in all" in last


def test_a_damaged_database_is_told(tensorwall: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("these are my notes, not a database")
    ran = tensorwall("costs", env={"TENSORWALL_DATABASE_URL": f"sqlite:///{file}"})
    assert ran.status == 1
    assert str(file) in ran.err
    assert file.read_text() == "these are my notes, not a database"


def test_what_the_demo_cost_is_kept_apart(tensorwall: Run) -> None:
    tensorwall("chat", "--demo", "hello")
    assert tensorwall("costs", "--format", "json").json["totals"]["calls"] == 0
    demo = tensorwall("costs", "--demo", "--session", "latest", "--format", "json").json
    assert demo["rows"][0]["question"] == "hello"
    assert demo["totals"]["turns"] == 1


def test_dimensions_and_sessions_are_completed(tensorwall: Run, ledger: Ledger) -> None:
    def completed(*words: str) -> list[str]:
        ran = tensorwall(
            env={
                "_TENSORWALL_COMPLETE": "zsh_complete",
                "COMP_WORDS": " ".join(("tensorwall", *words)),
                "COMP_CWORD": str(len(words)),
            }
        )
        return ran.out.split("\n")[1::3]

    assert completed("costs", "--by", "day,mo") == ["day,model", "day,month"]
    assert completed("costs", "--session", ledger.rivers[:11]) == [ledger.rivers]
    assert "latest" in completed("costs", "--session", "l")


def test_the_dimensions_are_those_of_the_review() -> None:
    from app.cli.costs_options import DIMENSIONS
    from core import review

    assert DIMENSIONS == review.DIMENSIONS


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
    again = tensorwall("costs", "--import", str(rows))
    assert again.out.splitlines()[1] == "1 were here already."
    assert exact(tensorwall("costs", "--format", "json").out)["totals"]["cost_usd"] == Decimal("0.002")


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
    refused = tensorwall("costs", "--audit", str(broken), "--provider", "groq")
    assert refused.status == 2
    assert "line 2" in refused.err
