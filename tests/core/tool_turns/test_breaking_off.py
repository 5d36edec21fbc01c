"""Turns that end while tools are called: stopped, failed or crashed, and gone on with."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from core.chat import ToolFinished
from core.errors import InvalidRequest
from core.tools import tool
from tests.core.tool_turns.desk import ADD, SHOUT, Desk, add, assert_consistent, read

ROOT = Path(__file__).parents[3]


async def test_stopping_in_the_middle_leaves_what_can_be_gone_on_with(desk: Desk) -> None:
    @tool(effect="none")
    async def wait() -> str:
        """Wait."""
        await asyncio.Event().wait()
        return ""

    desk.use(add, wait)
    desk.calls([ADD, {"name": "wait"}])
    turn = desk.ask("Go.")
    async with turn:
        async for event in turn:
            if isinstance(event, ToolFinished):
                break
    assert turn.state == "stopped"
    *_, first, second = await desk.branch(turn)
    assert first == ("tool", "5", "complete")
    assert second[0::2] == ("tool", "stopped")
    assert second[1].startswith("Stopped before it had a result")

    await read(desk.ask("Go on.", turn.session_id))
    assert_consistent(desk.sent()[-1]["messages"])


@pytest.mark.parametrize("stop_after", range(0, 24, 3))
async def test_stopping_at_any_event_leaves_a_consistent_conversation(desk: Desk, stop_after: int) -> None:
    desk.calls([ADD, SHOUT], [ADD], reasoning="Let me think.")
    turn = desk.ask("Go.")
    count = 0
    async with turn:
        async for _ in turn:
            count += 1
            if count > stop_after:
                break
    stored = await desk.branch(turn)
    assert stored[0] == ("user", "Go.", "complete")
    assert all(state != "streaming" for _, _, state in stored)
    await read(desk.ask("Go on.", turn.session_id))
    assert_consistent(desk.sent()[-1]["messages"])


async def test_a_failure_in_the_middle_keeps_what_came_before(desk: Desk) -> None:
    desk.calls([ADD], faults=[{"kind": "bad_request", "skip": 1}])
    turn = desk.ask("Go.")
    with pytest.raises(InvalidRequest):
        await read(turn)
    assert [row[0::2] for row in await desk.branch(turn)] == [
        ("user", "complete"),
        ("assistant", "complete"),
        ("tool", "complete"),
        ("assistant", "failed"),
    ]


async def test_a_crash_in_the_middle_of_a_tool_leaves_what_can_be_gone_on_with(
    desk: Desk, tmp_path: Path
) -> None:
    script = """
import asyncio, os, sys
from pathlib import Path
from core.chat import ToolStarted
from core.catalogue import load_catalogue
from core.tools import tool, Toolbox
from tests.core.tool_turns.desk import Desk
from tests.simulated import Simulated

@tool(effect="none")
async def wait() -> str:
    "Wait."
    await asyncio.sleep(0.2)  # so that what has begun is stored
    os._exit(9)

async def main():
    simulated = Simulated(sys.argv[1])
    desk = Desk(simulated, Path(sys.argv[2]), load_catalogue())
    await desk.records()
    desk.use(wait)
    desk.calls([{"name": "wait"}])
    async for event in (turn := desk.ask("Go.")):
        if isinstance(event, ToolStarted):
            print(turn.session_id, flush=True)

asyncio.run(main())
"""
    path = tmp_path / "tensorwall.db"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script, desk.simulator.base_url, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 9, done.stderr
    session_id = done.stdout.strip()
    conversations = (await desk.records()).conversations
    stored = await conversations.messages(session_id)
    assert [(each.message.role, each.state) for each in stored] == [
        ("user", "complete"),
        ("assistant", "complete"),
        ("tool", "interrupted"),
    ]
    await read(desk.ask("Go on.", session_id))
    messages = desk.sent()[-1]["messages"]
    assert_consistent(messages)
    assert messages[2]["content"] == "(no result)"
