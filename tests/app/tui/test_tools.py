"""Tools on the screen: calls in the transcript, leave asked for, switched on and off."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from app.tui.screens.tool_leave import ToolLeaveScreen
from app.tui.screens.tools import ToolsScreen
from core.locations import find_locations
from tests.app.tui.conftest import User, opened
from tests.simulated import Simulated

SUM = {"name": "calculate", "arguments": {"expression": "2 ** 10"}}
WRITE = {"name": "write_down", "arguments": {"text": "milk \u001b[2J\u202eeggs"}}


def calls(simulator: Simulated, *rounds: list[dict[str, Any]]) -> None:
    simulator.configure(reasoning="", tool_calls=list(rounds), text="It is done.")


def written_down(path: Path) -> bool:
    return path.exists()


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.txt"
    folder = find_locations().tools_dir
    folder.mkdir(parents=True)
    (folder / "notes.py").write_text(
        "from pathlib import Path\nfrom core.tools import tool\n\n@tool\ndef write_down(text: str) -> str:\n"
        f'    """Write something down."""\n    Path({str(path)!r}).write_text(text)\n    return text\n'
    )
    return path


def tool_lines(user: User) -> list[str]:
    return [line.strip() for line in user.screen.splitlines() if line.strip().startswith(("▸", "▾"))]


async def test_a_call_is_a_line_that_unfolds(keyed: Simulated, folder: Path) -> None:
    calls(keyed, [SUM, {"name": "calculate", "arguments": {"expression": "1 / 0"}}])
    async with opened(folder) as user:
        await user.sends("Go")
        await user.settles(5)
        first, second = tool_lines(user)
        assert first.startswith('▸ calculate(expression="2 ** 10")  → 1024')
        assert second.startswith('▸ calculate(expression="1 / 0")  → This divides by zero.  failed')
        assert "It is done." in user.screen

        user.chat.transcript.focus()
        await user.presses("alt+up", "alt+up", "f")
        await user.sees("▾ calculate", '"expression": "1 / 0"')
        await user.presses("f")
        await user.until(lambda: '"expression": "1 / 0"' not in user.screen)
        session = user.conversation.session_id

    async with opened(folder, session=session) as user:
        await user.sees("It is done.", '▸ calculate(expression="2 ** 10")  → 1024')
        assert [entry.kind for entry in user.chat.transcript.entries] == [
            "user",
            "answer",
            "tool",
            "tool",
            "answer",
        ]


async def test_a_call_that_breaks_off_is_made_anew_with_one_line(keyed: Simulated, folder: Path) -> None:
    fault = {"kind": "cut", "after_tokens": 3, "times": 1}
    keyed.configure(reasoning="", tool_calls=[[SUM]], text="It is done.", faults=[fault])
    async with opened(folder) as user:
        await user.sends("Go")
        await user.settles(4)
        await user.sees("begins anew", "It is done.")
        (line,) = tool_lines(user)
        assert line.startswith('▸ calculate(expression="2 ** 10")  → 1024')
        kinds = [entry.kind for entry in user.chat.transcript.entries if entry.kind != "notice"]
        assert kinds == ["user", "answer", "tool", "answer"]


@pytest.mark.parametrize(("key", "written"), [("y", True), ("n", False), ("escape", False), ("enter", False)])
async def test_what_has_an_effect_asks(
    keyed: Simulated, folder: Path, notes: Path, key: str, written: bool
) -> None:
    calls(keyed, [WRITE])
    async with opened(folder) as user:
        await user.sends("Go")
        await user.until(lambda: isinstance(user.app.screen, ToolLeaveScreen))
        await user.sees("Let the model call write_down?")
        assert not {"\u001b", "\u202e"} & set(user.screen)
        await user.presses(key)
        await user.settles(4)
        await user.sees("It is done.")
        assert not {"\u001b", "\u202e"} & set(user.screen)
    assert written_down(notes) is written


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (140, 45)])
async def test_every_answer_to_it_can_be_read(
    keyed: Simulated, folder: Path, notes: Path, size: tuple[int, int]
) -> None:
    calls(keyed, [WRITE])
    async with opened(folder, size=size) as user:
        await user.sends("Go")
        await user.until(lambda: isinstance(user.app.screen, ToolLeaveScreen))
        await user.sees("No (n)", "Once (y)", "Always in this session (a)")
        await user.presses("n")
        await user.settles(4)
    assert not written_down(notes)


@pytest.mark.skipif(find_spec("mcp") is None, reason="needs the mcp extra")
async def test_servers_that_start_are_named_and_escape_stops_waiting_for_them(
    keyed: Simulated, folder: Path
) -> None:
    settings = find_locations().config_dir / "config.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    silent = f"command = {sys.executable!r}\nenabled = true\nargs = ['-c', 'import sys; sys.stdin.read()']\n"
    settings.write_text(
        f"[tools.mcp.files]\n{silent}[tools.mcp.github]\n{silent}[network]\nstall_notice = 1\n"
    )
    async with opened(folder) as user:
        await user.sends("Go")
        await user.sees("● Starting the MCP servers files and github…")
        await user.sees("● Starting the MCP servers files and github… Esc stops")
        await user.presses("escape")
        await user.until(lambda: not user.conversation.busy)
        assert "Starting" not in user.screen
    assert keyed.questions() == []


async def test_always_holds_for_the_session(keyed: Simulated, folder: Path, notes: Path) -> None:
    calls(keyed, [WRITE], [WRITE])
    async with opened(folder) as user:
        await user.sends("Go")
        await user.until(lambda: isinstance(user.app.screen, ToolLeaveScreen))
        await user.presses("a")
        await user.settles(6)  # no second question
        assert written_down(notes)
        assert [line.count("write_down(") for line in tool_lines(user)] == [1, 1]
        assert "failed" not in user.screen
        await user.sends("/new")
        await user.sends("Go")
        await user.until(lambda: isinstance(user.app.screen, ToolLeaveScreen))
        await user.sees("Let the model call write_down?")


async def test_stopping_takes_the_question_away(keyed: Simulated, folder: Path, notes: Path) -> None:
    calls(keyed, [WRITE])
    async with opened(folder) as user:
        await user.sends("Go")
        await user.until(lambda: isinstance(user.app.screen, ToolLeaveScreen))
        await user.conversation.stop()
        await user.settles(3)
        assert not isinstance(user.app.screen, ToolLeaveScreen)
        await user.sees("write_down(", "stopped")
    assert not written_down(notes)


async def test_tools_are_switched(keyed: Simulated, folder: Path) -> None:
    keyed.configure(reasoning="", text="Yes.")
    async with opened(folder) as user:
        await user.sends("/tools")
        await user.until(lambda: isinstance(user.app.screen, ToolsScreen))
        await user.sees("calculate", "clock", "Runs without asking.")
        await user.presses("enter")
        await user.sees("off  calculate")
        await user.presses("escape")
        await user.asks("Go")
        await user.sends("/tools off")
        await user.told("Tools are off.")
        await user.asks("Go")
        await user.sends("/tools nothing")
        await user.told("There is no tool nothing.")
    asked = [request["body"] for request in keyed.questions() if "max_completion_tokens" in request["body"]]
    offered = [[tool["function"]["name"] for tool in body.get("tools", ())] for body in asked]
    assert ["clock"] in offered
    assert offered[-1] == []


async def test_an_attached_file_can_be_read_again(keyed: Simulated, folder: Path) -> None:
    (folder / "poem.txt").write_text("one\ntwo\n")
    calls(keyed, [{"name": "read_attached_file", "arguments": {"name": "poem.txt", "first_line": 2}}])
    async with opened(folder) as user:
        await user.pastes("Read @poem.txt")
        await user.presses("enter")
        await user.settles(4)
        assert user.conversation.branch[2].message.text == "poem.txt, lines 2 to 2 of 2:\ntwo"
