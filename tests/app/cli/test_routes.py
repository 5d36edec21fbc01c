"""`tensorwall routes`: what is told of the routes and of an answer's way."""

from __future__ import annotations

import io
import json
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.catalogue import load_catalogue
from core.chat import Usage
from core.locations import find_locations
from core.records import open_records
from tests.app.cli.booked import BIG, NOW, Ledger, book
from tests.app.cli.conftest import OnTerminal, Run
from tests.simulated import Simulated


@pytest.fixture
async def asked() -> str:
    """A session of two answers: one at once, one after a failure; its id."""
    records = await open_records(Path(find_locations().database("", demo=False)), load_catalogue())
    session = (await records.conversations.create(title="Skies")).id
    usage = Usage(900, 300, queue_time=0.05, prompt_time=0.01, completion_time=0.5)
    book(records, session, usage, message="a1", first_token=0.1, first_content=0.4)
    lost = {
        "first_token": None,
        "first_content": None,
        "error": "busy\n\x1b[2J",
        "error_type": "ServerFailed",
    }
    book(records, session, None, message="a2", outcome="failed", duration=0.5, **lost)
    book(records, session, Usage(9, 9), message="a2", role="fallback", provider="openai", model="mini")
    await records.aclose()
    return session


def test_a_table_tells_what_the_ledger_knows(tensorwall: Run, asked: str) -> None:
    ran = tensorwall("routes")
    assert ran.status == 0
    head, *rows = ran.out.splitlines()
    assert head.split()[:5] == ["provider", "model", "p50", "p95", "tok/s"]
    (groq,) = (row for row in rows if row.startswith("groq") and "50% of 2" in row)
    assert groq.split()[1:7] == [BIG, "400", "ms", "400", "ms", "600"]
    assert groq.split()[-6:] == ["50", "ms", "10", "ms", "300", "ms"]
    (openai,) = (row for row in rows if row.startswith("openai") and "mini" in row)
    assert "0% of 1" in openai
    assert "whichever TensorWall of yours used it" in ran.err


def test_programs_are_told_exactly(tensorwall: Run, asked: str) -> None:
    rows = json.loads(tensorwall("routes", "--format", "json").out)
    booked_today = NOW.astimezone().date() == datetime.now(UTC).astimezone().date()
    (groq,) = (row for row in rows if row["calls"] == 2)
    assert (groq["provider"], groq["model"], groq["failed"]) == ("groq", BIG, 1)
    assert groq["delay_s"]["queue"] == pytest.approx(0.05)
    assert groq["today"]["calls"] == (2 if booked_today else 0)


def test_routes_that_were_never_asked_are_listed_too(tensorwall: Run) -> None:
    (row,) = json.loads(tensorwall("routes", "--format", "json").out)
    assert (row["provider"], row["priority"], row["calls"], row["last_outcome"]) == ("groq", 0, 0, None)
    assert "groq" in tensorwall("routes").out


def test_without_keys_and_calls_it_says_what_to_do(tensorwall: Run) -> None:
    ran = tensorwall("routes", env={"GROQ_API_KEY": None})
    assert (ran.status, ran.out) == (0, "")
    assert "tensorwall login" in ran.err


def test_why_names_the_calls_of_an_answer(tensorwall: Run, asked: str) -> None:
    ran = tensorwall("routes", "--why", asked)
    assert ran.status == 0
    assert "openai answered, after 2 calls" in ran.out
    assert "1 first    groq" in ran.out
    assert "ServerFailed: busy" in ran.out
    assert "2 fallback openai" in ran.out
    assert "\x1b" not in ran.out
    first = tensorwall("routes", "--why", f"{asked}/1").out
    assert "groq answered, after 1 call: 400 ms to the first word, mostly for thinking." in first
    (call,) = json.loads(tensorwall("routes", "--why", f"{asked}/1", "--format", "json").out)
    assert (call["role"], call["outcome"], call["fault"]) == ("first", "answered", "generation")
    assert tensorwall("routes", "--why", "latest").out == ran.out


async def test_why_says_once_that_it_was_asked_once_more(tensorwall: Run, asked: str) -> None:
    records = await open_records(Path(find_locations().database("", demo=False)), load_catalogue())
    book(records, asked, Usage(9, 9), message="a3", role="retry", reason="once more: Groq did not answer")
    await records.aclose()
    assert "Why        once more: Groq did not answer\n" in tensorwall("routes", "--why", asked).out


@pytest.mark.parametrize("number", ["0", "3", "x"])
def test_a_turn_that_there_is_not_is_refused(tensorwall: Run, asked: str, number: str) -> None:
    ran = tensorwall("routes", "--why", f"{asked}/{number}")
    assert (ran.status, ran.out) == (2, "")
    assert f"There is no turn {number}." in ran.err


def test_a_deleted_session_still_tells(tensorwall: Run, ledger: Ledger) -> None:
    assert "(question deleted)" in tensorwall("routes", "--why", ledger.deleted).out


def test_connecting_tells_who_can_be_reached(tensorwall: Run, simulator: Simulated) -> None:
    openai = {"OPENAI_API_KEY": "sk-of-nobody", "OPENAI_BASE_URL": simulator.state()["refused_url"]}
    ran = tensorwall("routes", "--connect", env=openai)
    head, *rows = ran.out.splitlines()
    assert head.split()[:4] == ["provider", "model", "connection", "p50"]
    assert [(row.split()[0], row.split()[2]) for row in rows] == [("groq", "warm"), ("openai", "cold")]
    rows = json.loads(tensorwall("routes", "--connect", "--format", "json", env=openai).out)
    assert [row["connection"]["in_use"] for row in rows] == [0, 0]
    assert [bool(row["connection"]["in_reserve"]) for row in rows] == [True, False]
    assert simulator.requests() == [], "it takes nothing of any limit"


def test_without_connecting_nothing_is_said_of_connections(tensorwall: Run) -> None:
    assert "connection" not in tensorwall("routes").out
    (row,) = json.loads(tensorwall("routes", "--format", "json").out)
    assert row["connection"] is None


def test_watching_writes_a_line_of_json_at_every_change(
    tensorwall: Run, start: Callable[..., subprocess.Popen[bytes]], simulator: Simulated
) -> None:
    simulator.configure(text="Yes.", reasoning="")
    process = start("routes", "--watch", "--connect", "--format", "json")
    assert process.stdout is not None
    with io.BufferedReader(process.stdout) as lines:  # type: ignore[type-var]
        (before,) = json.loads(lines.readline())
        assert (before["calls"], bool(before["connection"]["in_reserve"])) == (0, True)
        assert tensorwall("chat", "hi").status == 0
        while (after := json.loads(lines.readline())[0])["calls"] == 0:
            continue
        assert (after["provider"], after["last_outcome"]) == ("groq", "answered")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


def test_watching_on_a_terminal_draws_in_place_and_leaves_what_was_seen(
    on_terminal: Callable[..., OnTerminal],
) -> None:
    terminal = on_terminal("routes", "--watch", columns=140)
    terminal.expect("thinking")
    terminal.expect_bytes(b"\x1b[?1049h")
    terminal.send("\x03")
    assert terminal.wait() == 130
    last = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
    assert "groq" in last


def test_watching_without_a_terminal_repeats_the_table_when_it_has_changed(
    tensorwall: Run, start: Callable[..., subprocess.Popen[bytes]], simulator: Simulated
) -> None:
    simulator.configure(text="Yes.", reasoning="")
    process = start("routes", "--watch")
    assert process.stdout is not None
    with io.BufferedReader(process.stdout) as lines:  # type: ignore[type-var]
        assert lines.readline().split()[:3] == [b"provider", b"model", b"p50"]
        assert b"groq" in lines.readline()
        tensorwall("chat", "hi")
        while b"0% of 1" not in (line := lines.readline()):
            assert b"\x1b" not in line
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


@pytest.mark.parametrize(
    "arguments",
    [("--why", "latest", "--watch"), ("--why", "latest", "--connect"), ("--connect", "--demo")],
)
def test_what_makes_no_sense_together_is_refused(tensorwall: Run, arguments: tuple[str, ...]) -> None:
    ran = tensorwall("routes", *arguments)
    assert (ran.status, ran.out) == (2, "")
    assert "--connect" in ran.err
