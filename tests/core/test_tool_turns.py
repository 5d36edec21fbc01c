"""Turns that call tools: over real HTTP, run, booked, stored, stopped and gone on with."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.assistant import Assistant, ReplyOptions, Turn
from core.catalogue import Catalogue, load_catalogue
from core.chat import (
    AnswerContinued,
    Event,
    Finished,
    JsonObjectFormat,
    Message,
    RouteChosen,
    TextDelta,
    ToolCall,
    ToolFinished,
    ToolsMissing,
    ToolStarted,
)
from core.errors import AllRoutesFailed, BudgetExceeded, InvalidRequest
from core.providers import groq_provider
from core.records import LazyRecords, open_records
from core.routing import LLMRouter, RouteEndpoint
from core.settings import BudgetSettings, ChatSettings, LimitSettings
from core.tools import Tool, Toolbox, tool
from tests.simulated import Simulated

ROOT = Path(__file__).parents[2]
ADD = {"name": "add", "arguments": {"a": 2, "b": 3}}
SHOUT = {"name": "shout", "arguments": {"text": "hey"}}


@tool(effect="none")
def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


@tool(effect="none")
def shout(text: str) -> str:
    """Shout."""
    return text.upper()


class Desk:
    """An assistant whose only provider is the simulator, and its tools."""

    def __init__(self, simulator: Simulated, path: Path, catalogue: Catalogue) -> None:
        self.simulator = simulator
        self.router = LLMRouter(catalogue=catalogue)
        provider = groq_provider.with_overrides(api_key=simulator.api_key, base_url=simulator.base_url)
        for pattern in ("openai/*", "groq/*", "mystery"):
            self.router.add_route(pattern, [RouteEndpoint(provider=provider)])
        self.records = LazyRecords(lambda: open_records(path, catalogue))
        self.assistant = Assistant(self.router, catalogue, ChatSettings(titles="model"), self.records)
        self.toolbox = Toolbox([add, shout])

    def ask(
        self, text: str | None, session_id: str | None = None, *, tentative: bool = False, **options: Any
    ) -> Turn:
        async def tools(*, known: bool) -> Toolbox:
            return self.toolbox if known else Toolbox()

        return self.assistant.reply(
            session_id,
            None if text is None else Message(role="user", content=text),
            options=ReplyOptions(**{"toolbox": tools, **options}),
            tentative=tentative,
        )

    def use(self, *tools: Tool, **more: Any) -> None:
        self.toolbox = Toolbox(tools, **more)

    def calls(self, *rounds: Sequence[dict[str, Any]], **options: Any) -> None:
        """The model calls these, round by round, then answers."""
        self.simulator.configure(**{"reasoning": "", "tool_calls": list(rounds), "text": "Done.", **options})

    async def branch(self, turn: Turn) -> list[tuple[str, str, str]]:
        messages = await (await self.records()).conversations.messages(turn.session_id)
        return [(stored.message.role, stored.message.text, stored.state) for stored in messages]

    def sent(self) -> list[dict[str, Any]]:
        return [request["body"] for request in self.simulator.questions()]


async def read(turn: Turn) -> list[Event]:
    return [event async for event in turn]


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
async def desk(simulator: Simulated, tmp_path: Path, catalogue: Catalogue) -> AsyncIterator[Desk]:
    desk = Desk(simulator, tmp_path / "tensorwall.db", catalogue)
    yield desk
    await desk.records.aclose()
    await desk.router.aclose()


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


async def test_each_call_upstream_is_booked_on_the_turn(desk: Desk) -> None:
    desk.calls([ADD], [SHOUT])
    turn = desk.ask("Go.")
    await read(turn)
    records = await desk.records()
    rows = await records.ledger.rows(turn.session_id)
    assert [(row.message_id, row.role, row.feature) for row in rows] == [
        (turn.answer_id, role, "chat") for role in ("first", "tools", "tools")
    ]
    assert turn.cost == sum((row.cost for row in rows if row.cost), Decimal(0)) > 0
    assert turn.usage is not None
    assert turn.usage.prompt_tokens == sum(row.prompt_tokens for row in rows)
    assert (await records.ledger.totals(turn.session_id)).turns == 1


async def test_calls_that_break_off_are_made_anew_run_once_and_booked_twice(desk: Desk) -> None:
    desk.calls([ADD], faults=[{"kind": "cut", "after_tokens": 4, "times": 1}])
    turn = desk.ask("Go.", irrevocable="text")
    events = await read(turn)
    assert sum(isinstance(event, ToolStarted) for event in events) == 1
    assert (turn.text, turn.state) == ("Done.", "complete")
    assert [(role, text) for role, text, _ in await desk.branch(turn)] == [
        ("user", "Go."),
        ("assistant", ""),
        ("tool", "5"),
        ("assistant", "Done."),
    ]
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert [(row.role, row.outcome) for row in rows] == [
        ("first", "interrupted"),
        ("retry", "answered"),
        ("tools", "answered"),
    ]
    assert turn.cost == sum((row.cost for row in rows if row.cost), Decimal(0))


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


async def test_the_conversation_goes_on_with_what_the_tools_gave(desk: Desk) -> None:
    desk.calls([ADD])
    first = desk.ask("Go.")
    await read(first)
    await read(desk.ask("And then?", first.session_id))
    assert [message["role"] for message in desk.sent()[-1]["messages"]][:4] == [
        "user",
        "assistant",
        "tool",
        "assistant",
    ]

    again = desk.ask(None, first.session_id)  # beside the last answer, and all that it took
    await read(again)
    assert [message["role"] for message in desk.sent()[-1]["messages"]][-1] == "tool"
    records = await desk.records()
    exported = json.loads(await records.conversations.export(first.session_id, "json"))
    assert sum(message["message"].get("role") == "tool" for message in exported["messages"]) == 3
    markdown = await records.conversations.export(first.session_id, "md")
    assert "Called `add`:" in markdown
    assert "## Tool" in markdown


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


def assert_consistent(messages: list[dict[str, Any]]) -> None:
    """Every call has a result behind it, and every result a call."""
    calls = [call["id"] for message in messages for call in message.get("tool_calls") or ()]
    results = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    assert calls == results


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


async def test_budgets_hold_for_each_call(desk: Desk) -> None:
    desk.assistant.budgets = BudgetSettings(session=LimitSettings(hard=Decimal("0.0006")))
    desk.simulator.configure(reasoning="", tool_calls=[ADD], text="Done.", tokens=200)
    desk.use(add, steps=100)
    turn = desk.ask("Go. " * 200)
    with pytest.raises((BudgetExceeded, AllRoutesFailed)):
        await read(turn)
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert len(rows) > 1
    assert sum((row.cost for row in rows if row.cost), Decimal(0)) <= Decimal("0.0006")


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


async def test_a_crash_in_the_middle_of_a_tool_leaves_what_can_be_gone_on_with(
    desk: Desk, tmp_path: Path
) -> None:
    script = """
import asyncio, os, sys
from pathlib import Path
from core.chat import ToolStarted
from core.catalogue import load_catalogue
from core.tools import tool, Toolbox
from tests.core.test_tool_turns import Desk
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


async def test_the_title_is_made_of_the_question_and_the_text_that_answers_it(desk: Desk) -> None:
    desk.calls([ADD])
    turn = desk.ask("Add two and three.")
    await read(turn)
    desk.simulator.configure(reasoning="", text="Adding numbers")
    assert await desk.assistant.suggest_title(turn.session_id) == "Adding numbers"
    assert "Done." in desk.sent()[-1]["messages"][-1]["content"]
