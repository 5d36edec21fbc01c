"""What tools print, beside an answer that is written at the same time."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from core.settings import ToolSettings
from core.tools import tool
from core.tools.session_tools import InstalledTools


async def test_what_tools_print_goes_to_stderr_and_what_others_do_to_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    async_begun, async_go_on = asyncio.Event(), asyncio.Event()

    @tool(effect="none")
    def blocks() -> str:
        """Print in a thread."""
        print("from a thread")
        begun.set()
        go_on.wait()
        sys.stdout.write("and later\n")
        return "done"

    @tool(effect="none")
    async def waits() -> str:
        """Print in a task."""
        print("from a task")
        async_begun.set()
        await async_go_on.wait()
        print("and then")
        return "done"

    before = sys.stdout
    async with asyncio.TaskGroup() as group:
        group.create_task(blocks.run({}))
        group.create_task(waits.run({}))
        await async_begun.wait()
        await asyncio.to_thread(begun.wait)
        print("the answer")
        async_go_on.set()
        go_on.set()
    print("its end")
    assert sys.stdout is before
    captured = capsys.readouterr()
    assert captured.out == "the answer\nits end\n"
    assert sorted(captured.err.splitlines()) == ["and later", "and then", "from a task", "from a thread"]


async def test_what_a_file_prints_as_it_is_loaded_goes_to_stderr(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "loud.py").write_text("print('here I am')\n")
    await InstalledTools(ToolSettings(), tmp_path, tmp_path)()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "here I am\n")
