"""Turns that call tools: over real HTTP, offered, run, told and answered."""

from __future__ import annotations

import json

from core.chat import (
    AnswerContinued,
    Finished,
    JsonObjectFormat,
    RouteChosen,
    TextDelta,
    ToolCall,
    ToolFinished,
    ToolsMissing,
    ToolStarted,
)
from core.tools import tool
from tests.core.tool_turns.desk import ADD, SHOUT, Desk, add, read


async def test_calls_are_run_told_and_answered(desk: Desk) -> None:
    desk.calls([ADD, SHOUT], [ADD])
    turn = desk.ask("Go.")
    events = await read(turn)

    told = [event for event in events if isinstance(event, ToolStarted | ToolFinished | AnswerContinued)]
    started = [event for event in told if isinstance(event, ToolStarted)]
    finished = {event.call_id: event for event in told if isinstance(event, ToolFinished)}
    assert [(event.name, json.loads(event.arguments)) for event in started] == [
        ("add", {"a": 2, "b": 3}),
        ("shout", {"text": "hey"}),
        ("add", {"a": 2, "b": 3}),
    ]
    assert [finished[event.call_id].result for event in started] == ["5", "HEY", "5"]
    assert [finished[event.call_id].message_id for event in started] == [e.message_id for e in started]
    assert sum(isinstance(event, AnswerContinued) for event in told) == 2
    assert isinstance(events[-1], Finished)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == turn.text == "Done."

    assert (turn.state, turn.storage_error) == ("complete", None)
    assert await desk.branch(turn) == [
        ("user", "Go.", "complete"),
        ("assistant", "", "complete"),
        ("tool", "5", "complete"),
        ("tool", "HEY", "complete"),
        ("assistant", "", "complete"),
        ("tool", "5", "complete"),
        ("assistant", "Done.", "complete"),
    ]
    last = desk.sent()[-1]["messages"]
    assert [message["role"] for message in last] == ["user", "assistant", "tool", "tool", "assistant", "tool"]
    assert [call["id"] for call in last[1]["tool_calls"]] == [
        last[2]["tool_call_id"],
        last[3]["tool_call_id"],
    ]


async def test_the_step_bound_ends_in_an_answer(desk: Desk) -> None:
    desk.use(add, steps=2)
    desk.simulator.configure(reasoning="", tool_calls=[ADD], text="Enough.")  # again and again
    turn = desk.ask("Go.")
    events = await read(turn)
    assert sum(isinstance(event, ToolStarted) for event in events) == 2
    assert turn.text == "Enough."
    assert [body.get("tool_choice") for body in desk.sent()] == [None, None, "none"]


async def test_what_goes_wrong_is_told_to_the_model(desk: Desk) -> None:
    @tool
    def send(to: str) -> str:
        """Send."""
        raise AssertionError("it was not allowed")

    allowed = iter([False, True])

    async def approve(_: ToolCall) -> bool:
        return next(allowed)

    desk.use(send, approve=approve)
    desk.calls([{"name": "send", "arguments": {"to": "x"}}, {"name": "send", "arguments": {"whom": "x"}}])
    turn = desk.ask("Go.")
    events = await read(turn)
    assert [event.failed for event in events if isinstance(event, ToolFinished)] == [True] * 2
    results = [message["content"] for message in desk.sent()[-1]["messages"] if message["role"] == "tool"]
    assert results[0] == "The user did not allow this call."
    assert results[1] == "The arguments do not fit: to: Field required; whom: Extra inputs are not permitted."
    assert [state for role, _, state in await desk.branch(turn) if role == "tool"] == ["failed"] * 2


async def test_tools_are_offered_to_models_that_call_them_and_not_beside_json(desk: Desk) -> None:
    desk.calls()
    desk.use(add, problems=["tools/broken.py:1: it is broken"])
    events = await read(desk.ask("Go."))
    assert [event.reason for event in events if isinstance(event, ToolsMissing)] == [
        "tools/broken.py:1: it is broken"
    ]
    desk.calls(models=["mystery"], text="{}")
    await read(desk.ask("Answer in JSON.", response_format=JsonObjectFormat()))
    await read(desk.ask("Go.", model="mystery"))
    desk.use()
    await read(desk.ask("Go."))
    assert ["tools" in body for body in desk.sent()] == [True, False, False, False]


async def test_a_guess_runs_no_tool_before_it_is_wanted(desk: Desk) -> None:
    ran: list[str] = []

    @tool(effect="none")
    def note() -> str:
        """Note."""
        ran.append("note")
        return "noted"

    desk.use(note)
    desk.calls([{"name": "note"}])
    dropped = desk.ask("Go.", tentative=True)
    async for event in dropped:
        if isinstance(event, Finished):
            break
    await dropped.aclose()
    assert ran == []

    kept = desk.ask("Go.", tentative=True)
    events = []
    async for event in kept:
        events.append(event)
        if isinstance(event, Finished) and not ran:
            await kept.keep()
    await kept.keep()
    assert ran == ["note"]
    assert kept.text == "Done."
    assert [role for role, _, _ in await desk.branch(kept)] == ["user", "assistant", "tool", "assistant"]
    assert sum(isinstance(event, RouteChosen) for event in events) == 2
