"""Running calls: side by side, bounded, asked for, and never raising."""

from __future__ import annotations

import asyncio
import json
import sys
import threading

import pytest

from core.chat import FunctionCall, ToolCall
from core.tools import Toolbox, ToolResult, tool
from core.tools.toolbox import LONGEST_RESULT


def call(name: str, /, **arguments: object) -> ToolCall:
    return ToolCall(id=f"call_{name}", function=FunctionCall(name=name, arguments=json.dumps(arguments)))


async def run(toolbox: Toolbox, *calls: ToolCall) -> dict[str, ToolResult]:
    results: dict[str, ToolResult] = {}
    await toolbox.run(calls, lambda place, result: results.update({calls[place].function.name: result}))
    return results


async def test_calls_run_side_by_side() -> None:
    both_here = asyncio.Barrier(2)

    @tool(effect="none")
    async def left() -> str:
        """Wait for the other."""
        await both_here.wait()
        return "l"

    @tool(effect="none")
    async def right() -> str:
        """Wait for the other."""
        await both_here.wait()
        return "r"

    results = await run(Toolbox([left, right]), call("left"), call("right"))
    assert {name: result.text for name, result in results.items()} == {"left": "l", "right": "r"}
    assert not any(result.failed for result in results.values())


@tool(effect="none", seconds=0.01)
async def forever() -> str:
    """Never end."""
    await asyncio.Event().wait()
    return ""


woken = threading.Event()


@tool(effect="none", seconds=0.01)
def sleeper() -> None:
    """Sleep."""
    woken.wait()


@tool(effect="none")
def leaves() -> None:
    """End the program."""
    sys.exit(3)


@tool(effect="none")
async def leaves_at_once() -> None:
    """End the program from its event loop."""
    sys.exit(4)


@tool(effect="none")
async def cancels_itself() -> None:
    """Give up."""
    raise asyncio.CancelledError("enough")


@tool(effect="none")
def broken(number: int) -> str:
    """Break."""
    return str(1 // number)


@tool(effect="none")
def long() -> str:
    """Say much."""
    return "x" * (LONGEST_RESULT + 5)


async def test_whatever_goes_wrong_is_a_result() -> None:
    toolbox = Toolbox([forever, sleeper, broken, long, leaves, leaves_at_once, cancels_itself])
    quits = await run(toolbox, call("leaves"), call("leaves_at_once"), call("cancels_itself"))
    assert {name: (result.text, result.failed) for name, result in quits.items()} == {
        "leaves": ("SystemExit: 3", True),
        "leaves_at_once": ("SystemExit: 4", True),
        "cancels_itself": ("CancelledError: enough", True),
    }
    try:
        left = (await run(toolbox, call("sleeper")))["sleeper"]
        assert left.text.startswith("It took longer than 0.01 seconds and was left running")
    finally:
        woken.set()
    results = await run(toolbox, call("forever"), call("broken", number=0), call("long"), call("unknown"))
    assert results["forever"].text == "It took longer than 0.01 seconds and was ended."
    assert results["broken"].text.startswith("ZeroDivisionError: ")
    assert (
        results["unknown"].text
        == "There is no tool unknown. There are: " + ", ".join(each.name for each in toolbox.tools) + "."
    )
    assert [results[name].failed for name in ("forever", "broken", "unknown")] == [True] * 3
    assert results["long"].text.endswith("[cut off here: 5 more characters]")
    assert not results["long"].failed


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ('{"number": ', "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"number": "x"}', "number: Input should be a valid integer"),
        ("", "number: Field required"),
        ("null", "number: Field required"),
    ],
)
async def test_arguments_that_do_not_fit_are_told(arguments: str, says: str) -> None:
    made = ToolCall(id="c", function=FunctionCall(name="broken", arguments=arguments))
    result = (await run(Toolbox([broken]), made))["broken"]
    assert result.failed
    assert says in result.text


async def test_what_has_an_effect_asks_one_question_at_a_time() -> None:
    ran: list[str] = []
    asked: list[str] = []
    asking = 0

    async def approve(call: ToolCall) -> bool:
        nonlocal asking
        asking += 1
        assert asking == 1
        asked.append(call.function.name)
        await asyncio.sleep(0)
        asking -= 1
        return call.function.name == "send"

    @tool
    async def send() -> str:
        """Send."""
        ran.append("send")
        return "sent"

    @tool
    async def delete() -> str:
        """Delete."""
        ran.append("delete")
        return "deleted"

    results = await run(Toolbox([send, delete], approve=approve), call("send"), call("delete"))
    assert (sorted(asked), ran) == (["delete", "send"], ["send"])
    assert results["delete"] == ToolResult("The user did not allow this call.", 0.0, failed=True)
    assert (await run(Toolbox([send]), call("send")))["send"].failed  # nobody there to ask


async def test_stopping_stops_what_runs() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    @tool(effect="none")
    async def waits() -> str:
        """Wait."""
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return ""

    running = asyncio.create_task(run(Toolbox([waits]), call("waits")))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()
