"""`tensorwall chat` with tools: calls are told, asked for and written down."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from core.locations import find_locations
from tests.app.cli.conftest import PATIENCE, OnTerminal, Run
from tests.simulated import Simulated

SUM = [{"name": "calculate", "arguments": {"expression": "2 ** 10"}}]
WRITE = [{"name": "write_down", "arguments": {"text": "milk \u001b[2J"}}]


def calls(simulator: Simulated, *rounds: Any) -> None:
    simulator.configure(reasoning="", tool_calls=list(rounds), text="It is done.")


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A tool of the user's own that writes into this file."""
    path = tmp_path / "notes.txt"
    folder = find_locations().tools_dir
    folder.mkdir(parents=True)
    (folder / "notes.py").write_text(
        "from pathlib import Path\nfrom core.tools import tool\n\n@tool\ndef write_down(text: str) -> str:\n"
        f'    """Write something down."""\n    Path({str(path)!r}).write_text(text)\n    return "noted"\n'
    )
    return path


def test_a_call_is_a_line_on_stderr(tensorwall: Run, simulator: Simulated) -> None:
    calls(simulator, SUM)
    ran = tensorwall("chat", "Go.")
    assert (ran.status, ran.out) == (0, "It is done.\n")
    assert 'calculate(expression="2 ** 10") → 1024 · ' in ran.err


def test_a_call_that_breaks_off_is_made_anew(tensorwall: Run, simulator: Simulated) -> None:
    fault = {"kind": "cut", "after_tokens": 3, "times": 1}
    simulator.configure(reasoning="", tool_calls=[SUM], text="It is done.", faults=[fault])
    ran = tensorwall("chat", "Go.")
    assert (ran.status, ran.out) == (0, "It is done.\n")
    assert "Groq broke off; openai/gpt-oss-120b begins anew" in ran.err
    assert ran.err.count("→ 1024") == 1
    assert len(simulator.questions()) == 3


def test_calls_are_part_of_the_object(tensorwall: Run, simulator: Simulated) -> None:
    calls(simulator, SUM, [{"name": "calculate", "arguments": {"expression": "1 / 0"}}])
    answer = tensorwall("chat", "Go.", "--output", "json").json
    first, second = answer["tool_calls"]
    assert first.pop("seconds") >= 0
    assert first == {
        "name": "calculate",
        "arguments": {"expression": "2 ** 10"},
        "result": "1024",
        "failed": False,
    }
    assert (second["result"], second["failed"]) == ("This divides by zero.", True)
    assert answer["text"] == "It is done."
    shown = tensorwall("sessions", "show", answer["session_id"])
    assert "1024" in shown.out


def test_tools_can_be_left_out(tensorwall: Run, simulator: Simulated) -> None:
    tensorwall("chat", "Go.", "--no-tools")
    tensorwall("chat", "Go.")
    assert ["tools" in request["body"] for request in simulator.questions()] == [False, True]


def test_what_has_an_effect_needs_leave(tensorwall: Run, simulator: Simulated, notes: Path) -> None:
    calls(simulator, [*WRITE, *WRITE], WRITE)
    refused = tensorwall("chat", "Go.")
    assert refused.err.count("--allow-tools allows such calls.") == 1
    assert refused.err.count("failed: The user did not allow this call.") == 3
    assert refused.err.count("write_down(") == 3, "each refusal is told once"
    assert "\u001b[2J" not in refused.err
    assert not notes.exists()

    allowed = tensorwall("chat", "Go.", "--allow-tools")
    assert "→ noted" in allowed.err
    assert notes.read_text() == "milk \u001b[2J"


@pytest.mark.parametrize(("typed", "written"), [("y\r", True), ("\r", False), ("never\r", False)])
def test_on_a_terminal_it_asks(
    on_terminal: Callable[..., OnTerminal], simulator: Simulated, notes: Path, typed: str, written: bool
) -> None:
    calls(simulator, WRITE)
    terminal = on_terminal("chat", "Go.")
    terminal.expect(r"The model wants to call write_down\(text=.*Allow it\?")
    assert b"\x1b[2J" not in terminal.raw
    terminal.send(typed)
    terminal.expect("It is done.")
    assert terminal.wait() == 0
    assert notes.exists() is written


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_program_writes_that_a_tool_starts_is_no_part_of_the_answer(
    tensorwall: Run, simulator: Simulated, form: str
) -> None:
    folder = find_locations().tools_dir
    folder.mkdir(parents=True)
    (folder / "loud.py").write_text(
        "import os, subprocess\nfrom core.tools import tool\nos.system('echo as it is loaded')\n\n"
        '@tool(effect=\'none\')\ndef build() -> str:\n    """Build it."""\n'
        "    subprocess.run(['echo', 'compiling'], check=True)\n    return 'built'\n"
    )
    calls(simulator, [{"name": "build", "arguments": {}}])
    ran = tensorwall("chat", "Go.", "--output", form)
    assert (ran.json["text"] if form == "json" else ran.out.rstrip("\n")) == "It is done."
    assert ran.err.count("compiling") == ran.err.count("as it is loaded") == 1


def test_always_holds_for_the_rest_of_the_conversation(
    on_terminal: Callable[..., OnTerminal], simulator: Simulated, notes: Path
) -> None:
    calls(simulator, WRITE, WRITE)
    terminal = on_terminal("chat", "Go.")
    terminal.expect(r"Allow it\?")
    terminal.send("a\r")
    seen = terminal.expect("It is done.")
    assert "Allow it?" not in seen
    assert seen.count("→ noted") == 2


def test_an_attached_file_is_read_again(tensorwall: Run, simulator: Simulated, tmp_path: Path) -> None:
    path = tmp_path / "poem.txt"
    path.write_text("one\ntwo\nthree\n")
    calls(simulator, [{"name": "read_attached_file", "arguments": {"name": str(path), "first_line": 2}}])
    answer = tensorwall("chat", "Go.", "-f", str(path), "--output", "json").json
    assert answer["tool_calls"][0]["result"] == f"{path}, lines 2 to 3 of 3:\ntwo\nthree"


def test_a_broken_tool_is_told_and_stops_nothing(tensorwall: Run, simulator: Simulated, notes: Path) -> None:
    broken = find_locations().tools_dir / "broken.py"
    broken.write_text("x = 1\nimport no_such_module\n")
    calls(simulator, SUM)
    ran = tensorwall("chat", "Go.")
    assert f"{broken}:2: ModuleNotFoundError" in ran.err.replace("\n", "")
    assert "→ 1024" in ran.err


@pytest.mark.skipif(find_spec("mcp") is None, reason="needs the mcp extra")
def test_a_server_that_does_not_answer_is_named_while_it_is_waited_for(
    tensorwall: Run, simulator: Simulated, start: Callable[..., subprocess.Popen[bytes]]
) -> None:
    settings = find_locations().config_dir / "config.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(
        "[network]\nstall_notice = 0.2\n"
        f"[tools.mcp.slow]\ncommand = {sys.executable!r}\nenabled = true\n"
        "args = ['-c', 'import sys; sys.stdin.read()']\n"
    )
    process = start("chat", "Go.")
    assert process.stderr is not None
    while (told := process.stderr.readline()) and b"nothing from the MCP server slow for" not in told:
        pass
    assert told, "it answered without a word"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 130


WILD = '''
import os, sys, threading
from core.tools import tool

print("loading")

@tool(effect="none")
def prints() -> str:
    """Print."""
    print("working")
    return "printed"

@tool(effect="none")
def leaves() -> None:
    """End the program."""
    sys.exit(7)

@tool(effect="none", seconds=0.1)
def hangs() -> None:
    """Never return."""
    threading.Event().wait()

@tool(effect="none")
def calculate(expression: str) -> str:
    """Be another calculator."""
    return "wrong"
'''


def test_tools_that_print_quit_or_hang_do_no_harm(tensorwall: Run, simulator: Simulated) -> None:
    folder = find_locations().tools_dir
    folder.mkdir(parents=True)
    (folder / "wild.py").write_text(WILD)
    called = [{"name": name, "arguments": {}} for name in ("prints", "leaves", "hangs")]
    calls(simulator, [*called, *SUM])
    ran = tensorwall("chat", "Go.")
    assert (ran.status, ran.out) == (0, "It is done.\n"), ran.err
    assert {"loading", "working"} <= set(ran.err.splitlines())
    assert "prints() → printed" in ran.err
    assert "leaves() failed: SystemExit: 7" in ran.err
    assert "hangs() failed: It took longer than 0.1 seconds and was left running" in ran.err
    assert "→ 1024" in ran.err
    assert "calculate is left out: a tool built in has that name" in " ".join(ran.err.split())


def test_settings_say_which_tools(tensorwall: Run, simulator: Simulated) -> None:
    tensorwall("config", "set", "tools.fetch", "true")
    tensorwall("config", "set", "tools.enabled", '["c*"]')
    tensorwall("chat", "Go.")
    tensorwall("config", "set", "tools.enabled", '["fetch"]')
    tensorwall("chat", "Go.")
    names = [
        [tool["function"]["name"] for tool in request["body"]["tools"]] for request in simulator.questions()
    ]
    assert names == [["calculate", "clock"], ["fetch"]]


def test_the_demo_calculates(tensorwall: Run) -> None:
    ran = tensorwall("chat", "Please calculate 12 * (3 + 4).", "--demo")
    assert 'calculate(expression="12 * (3 + 4)") → 84 · ' in ran.err
    assert json.dumps("84")[1:-1] in ran.out
