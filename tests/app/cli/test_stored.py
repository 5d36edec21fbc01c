"""`tensorwall sessions`, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.app.cli.conftest import OnTerminal, Run
from tests.simulated import Simulated


@pytest.fixture
def session(tensorwall: Run, simulator: Simulated) -> str:
    """A session with one question about rivers."""
    simulator.configure(text="The **Danube** is long.")
    id_: str = tensorwall("chat", "Which river is long?", "--output", "json").json["session_id"]
    return id_


def test_list_show_and_search(tensorwall: Run, session: str) -> None:
    (listed,) = tensorwall("sessions", "list", "--format", "json").json
    assert listed["id"] == session
    assert listed["title"] == "Which river is long?"
    assert listed["message_count"] == 2
    assert float(listed["cost"]) > 0
    table = tensorwall("sessions", "list").out.splitlines()
    assert table[0].split() == ["id", "last", "used", "messages", "cost", "title"]
    assert table[1].startswith(session)
    assert "The **Danube** is long." in tensorwall("sessions", "show", session[:11]).out
    (hit,) = tensorwall("sessions", "search", "danu", "--format", "json").json
    assert hit["session_id"] == session
    assert session in tensorwall("sessions", "search", "danube", "long").out
    nothing = tensorwall("sessions", "search", "volga")
    assert (nothing.status, nothing.out) == (1, "")
    assert "Nothing found" in nothing.err


def test_export(tensorwall: Run, session: str, tmp_path: Path) -> None:
    exported = json.loads(tensorwall("sessions", "export", session, "--format", "json").out)
    assert "Danube" in json.dumps(exported)
    file = tmp_path / "river.md"
    assert tensorwall("sessions", "export", session, "-o", str(file)).status == 0
    assert "Which river is long?" in file.read_text()
    again = tensorwall("sessions", "export", session, "-o", str(file))
    assert again.status == 2
    assert "is there already" in again.err


def test_delete(tensorwall: Run, on_terminal: Callable[..., OnTerminal], session: str) -> None:
    assert tensorwall("sessions", "delete", "--yes", session, "nonesuch").status == 2
    terminal = on_terminal("sessions", "delete", session)
    terminal.expect(r"Which river is long\?\nDelete 1 session\? \[y/N\]: ")
    terminal.send("n\n")
    assert terminal.wait() == 130
    assert len(tensorwall("sessions", "list", "--format", "json").json) == 1
    assert tensorwall("sessions", "delete", "--yes", session).status == 0
    assert tensorwall("sessions", "list", "--format", "json").json == []


def test_the_demo_keeps_its_sessions_apart(tensorwall: Run) -> None:
    tensorwall("chat", "--demo", "hello")
    assert tensorwall("sessions", "list", "--format", "json").json == []
    (listed,) = tensorwall("sessions", "--demo", "list", "--format", "json").json
    assert listed["title"] == "hello"


def test_a_damaged_database_is_said_and_left_alone(tensorwall: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("these are my notes, not a database")
    ran = tensorwall("sessions", "list", env={"TENSORWALL_DATABASE_URL": f"sqlite:///{file}"})
    assert ran.status == 1
    assert str(file) in ran.err
    assert file.read_text() == "these are my notes, not a database"


def test_an_answer_that_cannot_be_stored_is_still_given(
    tensorwall: Run, simulator: Simulated, tmp_path: Path
) -> None:
    file = tmp_path / "notes.db"
    file.write_text("these are my notes, not a database")
    simulator.configure(text="Yes.")
    ran = tensorwall("chat", "hi", env={"TENSORWALL_DATABASE_URL": f"sqlite:///{file}"})
    assert (ran.status, ran.out) == (0, "Yes.\n")
    assert "this session does not keep it" in ran.err


@pytest.mark.parametrize("words", [("--demo", "delete"), ("delete", "--demo")])
def test_the_demos_sessions_are_deleted_wherever_the_option_stands(
    tensorwall: Run, words: tuple[str, ...]
) -> None:
    tensorwall("chat", "--demo", "hello")
    (session,) = tensorwall("sessions", "list", "--demo", "--format", "json").json
    assert tensorwall("sessions", *words, session["id"], "--yes").status == 0
    assert tensorwall("sessions", "--demo", "list", "--format", "json").json == []


def test_titles_cannot_act_on_a_terminal(
    tensorwall: Run, on_terminal: Callable[..., OnTerminal], simulator: Simulated
) -> None:
    tensorwall("chat", "\x1b]0;owned\x07 [red]rtl\u202e 漢字 " + "long " * 40)
    terminal = on_terminal("sessions", "list", env={"NO_COLOR": "1"})
    assert terminal.wait() == 0
    assert b"\x1b" not in terminal.raw
    assert "\u202e" not in terminal.seen
    assert "漢字" in terminal.seen
    assert terminal.seen.splitlines()[1].endswith("…")
