"""Answers that have to be JSON: how they are asked for, checked, mended once, booked and kept."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from core.assistant import Assistant, ReplyOptions, Turn
from core.catalogue import load_catalogue
from core.chat import (
    AnswerRejected,
    Event,
    FunctionTool,
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    Message,
    ResponseFormat,
    RouteChanged,
    RouteChosen,
    TextDelta,
    ToolDefinition,
)
from core.conversations import StoredMessage
from core.errors import AllRoutesFailed, OutputInvalid, StreamInterrupted
from core.providers import groq_provider
from core.records import LazyRecords, open_records
from core.routing import LLMRouter, RouteEndpoint
from core.settings import BudgetSettings, ChatSettings
from tests.simulated import Simulated

OBJECT = JsonObjectFormat()
PERSON = JsonSchemaFormat(
    json_schema=JsonSchema(
        name="person",
        schema={"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]},
    )
)
BAD, GOOD = '{"age": "old"}', '{"age": 36}'
AGE = "/age (line 1, column 9): 'old' is not of type 'integer'"


class Desk:
    """An assistant whose only provider is the simulator."""

    def __init__(self, simulator: Simulated, records: LazyRecords) -> None:
        self.simulator = simulator
        self.records = records
        self.router = LLMRouter(catalogue=load_catalogue())
        groq = groq_provider.with_overrides(api_key=simulator.api_key, base_url=simulator.base_url)
        self.router.add_route("*", [RouteEndpoint(provider=groq)])
        self.assistant = Assistant(
            self.router, load_catalogue(), ChatSettings(titles="first_words"), records, BudgetSettings()
        )

    def ask(self, wanted: ResponseFormat = PERSON, *, session_id: str | None = None, **more) -> Turn:
        options = ReplyOptions(response_format=wanted, **more)
        return self.assistant.reply(session_id, Message(role="user", content="Who?"), options=options)

    def says(self, *texts: str, **more) -> None:
        self.simulator.configure(texts=list(texts), reasoning="", **more)

    def bodies(self) -> list[dict]:
        return [request["body"] for request in self.simulator.questions()]

    async def stored(self, turn: Turn) -> list[StoredMessage]:
        return await (await self.records()).conversations.messages(turn.session_id)

    async def booked(self, turn: Turn) -> list[tuple[str, str, str]]:
        rows = await (await self.records()).ledger.rows(turn.session_id, turn.answer_id)
        return [(row.role, row.feature, row.outcome) for row in rows]


@pytest.fixture
async def desk(simulator: Simulated, tmp_path: Path) -> AsyncIterator[Desk]:
    records = LazyRecords(partial(open_records, tmp_path / "tensorwall.db", load_catalogue()))
    desk = Desk(simulator, records)
    yield desk
    await records.aclose()
    await desk.router.aclose()


async def read(turn: Turn) -> list[Event]:
    return [event async for event in turn]


async def _collect(turn: Turn, events: list[Event]) -> None:
    async for event in turn:
        events.append(event)  # noqa: PERF401  # what came before it raises counts


async def read_in_vain(turn: Turn) -> tuple[list[Event], OutputInvalid]:
    events: list[Event] = []
    with pytest.raises(OutputInvalid) as caught:
        await _collect(turn, events)
    return events, caught.value


async def test_an_answer_that_fits_is_asked_for_once(desk: Desk) -> None:
    desk.says(GOOD)
    turn = desk.ask()
    events = await read(turn)
    assert not any(isinstance(event, AnswerRejected) for event in events)
    assert (turn.text, turn.state, turn.violations) == (GOOD, "complete", ())
    assert await desk.booked(turn) == [("first", "chat", "answered")]


@pytest.mark.parametrize(
    ("wanted", "bad", "good", "told"),
    [
        (PERSON, BAD, GOOD, f"The answer does not fit the schema: {AGE}."),
        (
            OBJECT,
            "Sure! {}",
            "{}",
            "The answer is not valid JSON: line 1, column 1: Expecting value.",
        ),
        (
            OBJECT,
            "[1]",
            "{}",
            "The answer is not one JSON object: line 1, column 1: the answer is an array, not an object.",
        ),
    ],
)
async def test_a_broken_answer_is_mended_once(
    desk: Desk, wanted: ResponseFormat, bad: str, good: str, told: str
) -> None:
    desk.says(bad, good)
    turn = desk.ask(wanted)
    events = await read(turn)
    (rejected,) = [event for event in events if isinstance(event, AnswerRejected)]
    assert rejected.reason == told
    after = events[events.index(rejected) :]
    assert "".join(event.text for event in after if isinstance(event, TextDelta)) == good
    assert (turn.text, turn.state, turn.violations) == (good, "complete", ())
    first, second = desk.bodies()
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert second["messages"][-2] == {"role": "assistant", "content": bad}
    assert second["response_format"] == first["response_format"]


async def test_the_repair_is_booked_on_the_turn_and_the_better_answer_kept(desk: Desk) -> None:
    desk.says(BAD, GOOD)
    turn = desk.ask()
    await read(turn)
    assert await desk.booked(turn) == [("first", "chat", "answered"), ("repair", "chat", "answered")]
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert turn.cost == sum(row.cost or 0 for row in rows)
    assert turn.usage is not None
    assert turn.usage.total_tokens == sum(row.prompt_tokens + row.completion_tokens for row in rows)
    _, answer = await desk.stored(turn)
    assert (answer.message.text, answer.state, answer.error) == (GOOD, "complete", None)
    desk.says(GOOD)
    await read(desk.ask(session_id=turn.session_id))
    assert [message["content"] for message in desk.bodies()[-1]["messages"]] == ["Who?", GOOD, "Who?"]


async def test_what_cannot_be_mended_is_kept_with_the_exact_violation(desk: Desk) -> None:
    desk.says(BAD, '{"age": "older"}')
    turn = desk.ask()
    _, error = await read_in_vain(turn)
    assert "/age (line 1, column 9): 'older' is not of type 'integer'" in error.message
    assert (turn.text, turn.state) == ('{"age": "older"}', "failed")
    assert [violation.pointer for violation in turn.violations] == ["/age"]
    _, answer = await desk.stored(turn)
    assert (answer.message.text, answer.state) == ('{"age": "older"}', "failed")
    assert (answer.error, answer.error_type) == (str(error), "OutputInvalid")
    markdown = await (await desk.records()).conversations.export(turn.session_id, "md")
    assert "> Failed: The answer does not fit the schema: /age" in markdown


async def test_the_first_answer_stays_where_nothing_better_came(desk: Desk) -> None:
    desk.says(BAD, faults=[{"kind": "bad_request", "skip": 1, "message": "No more."}])
    turn = desk.ask()
    _, error = await read_in_vain(turn)
    assert AGE in error.message
    assert "No more." in error.hint
    assert (turn.text, turn.state) == (BAD, "failed")
    assert (await desk.stored(turn))[-1].message.text == BAD
    assert [row[0::2] for row in await desk.booked(turn)] == [("first", "answered"), ("repair", "failed")]


async def test_a_repair_that_breaks_off_is_an_answer_that_broke_off(desk: Desk) -> None:
    desk.says("[1, 2]", '{"age": 36, "x": 1}', faults=[{"kind": "end", "after_tokens": 3, "skip": 1}])
    turn = desk.ask(OBJECT)
    with pytest.raises(AllRoutesFailed) as caught:
        await read(turn)
    assert {type(cause) for cause in caught.value.causes} == {StreamInterrupted}
    assert turn.text.startswith('{"')
    assert turn.state == "failed"


@pytest.mark.parametrize("kind", ["cut", "cut_reset", "end", "sse_error"])
async def test_json_that_breaks_off_is_written_anew_and_both_calls_are_booked(desk: Desk, kind: str) -> None:
    desk.says(GOOD, GOOD, faults=[{"kind": kind, "after_tokens": 3, "times": 1}])
    turn = desk.ask(OBJECT)
    events = await read(turn)
    begun, anew = [place for place, event in enumerate(events) if isinstance(event, RouteChosen)]
    assert any(isinstance(event, TextDelta) for event in events[begun:anew])
    assert "".join(event.text for event in events[anew:] if isinstance(event, TextDelta)) == GOOD
    (change,) = [event for event in events if isinstance(event, RouteChanged)]
    assert change.reason.endswith("begins anew")
    assert (turn.text, turn.state, turn.violations) == (GOOD, "complete", ())
    (_, answer) = await desk.stored(turn)
    assert answer.message.text == GOOD
    assert await desk.booked(turn) == [("first", "chat", "interrupted"), ("retry", "chat", "answered")]
    rows = await (await desk.records()).ledger.rows(turn.session_id, turn.answer_id)
    assert turn.cost == sum(row.cost for row in rows if row.cost)
    first, second = desk.bodies()
    assert first == second


async def test_json_that_cannot_be_taken_back_fails_where_it_breaks_off(desk: Desk) -> None:
    desk.says(GOOD, faults=[{"kind": "cut", "after_tokens": 3}])
    turn = desk.ask(OBJECT, irrevocable="text")
    with pytest.raises(StreamInterrupted):
        await read(turn)
    assert await desk.booked(turn) == [("first", "chat", "interrupted")]


async def test_a_budget_holds_for_the_repair(desk: Desk) -> None:
    long = json.dumps({"age": "old " * 300})
    desk.says(long, GOOD)
    free = desk.ask()
    await read(free)
    first, _ = await (await desk.records()).ledger.rows(free.session_id)
    assert first.cost is not None
    desk.assistant.budgets = BudgetSettings.model_validate(
        {"session": {"hard": first.cost * Decimal("1.25")}}
    )
    desk.says(long, GOOD)
    turn = desk.ask()
    _, error = await read_in_vain(turn)
    assert error.message.startswith("The answer does not fit the schema: /age")
    assert "The hard limit of" in error.hint
    assert len(desk.bodies()) == 3
    assert turn.text == long


@pytest.mark.parametrize("written", [BAD, '{"age": ', ""])
async def test_what_the_provider_refuses_is_mended_too(desk: Desk, written: str) -> None:
    refused = {"kind": "json_validate_failed", "failed_generation": written, "times": 1}
    desk.says(GOOD, faults=[refused])
    turn = desk.ask()
    events = await read(turn)
    (rejected,) = [event for event in events if isinstance(event, AnswerRejected)]
    assert rejected.reason.startswith("The answer ")
    assert turn.text == GOOD
    refused_body, mended = desk.bodies()  # the router does not ask again by itself
    assert mended["messages"][: len(refused_body["messages"])] == refused_body["messages"]
    said = [m["content"] for m in mended["messages"] if m["role"] == "assistant"]
    assert said == ([written] if written else [])


async def test_what_the_provider_refuses_to_the_end_is_shown(desk: Desk) -> None:
    desk.says(GOOD, faults=[{"kind": "json_validate_failed", "failed_generation": BAD}])
    turn = desk.ask()
    _, error = await read_in_vain(turn)
    assert [row[0::2] for row in await desk.booked(turn)] == [("first", "failed"), ("repair", "failed")]
    assert AGE in error.message
    assert turn.text == BAD
    assert (await desk.stored(turn))[-1].message.text == BAD


async def test_json_that_is_cut_off_says_so(desk: Desk) -> None:
    desk.says('{"word": "' + "far " * 20)
    turn = desk.ask(OBJECT, max_completion_tokens=5)
    _, error = await read_in_vain(turn)
    assert "max completion tokens reached before generating a valid document" in error.message


async def test_stopping_the_repair_keeps_the_first_answer(desk: Desk) -> None:
    desk.says(BAD, GOOD, faults=[{"kind": "hang", "skip": 1}])
    turn = desk.ask()
    async for event in turn:
        if isinstance(event, AnswerRejected):
            await turn.aclose()
    assert (turn.state, turn.text) == ("stopped", BAD)
    assert (await desk.stored(turn))[-1].message.text == BAD


@pytest.mark.parametrize(
    ("model", "sent", "in_prompt"),
    [
        ("openai/gpt-oss-120b", "json_schema", False),
        ("llama-3.3-70b-versatile", "json_object", True),
    ],
)
async def test_a_schema_is_asked_for_by_what_the_model_can(
    desk: Desk, model: str, sent: str, in_prompt: bool
) -> None:
    desk.says("{}", GOOD, models=["llama-3.3-70b-versatile"])
    turn = desk.ask(model=model, system_prompt="Be brief.")
    await read(turn)
    body = desk.bodies()[0]
    assert body["response_format"]["type"] == sent
    assert ('"required": ["age"]' in body["messages"][0]["content"]) is in_prompt
    assert turn.text == GOOD, "the schema holds, whatever was asked for"
    session = await (await desk.records()).conversations.get(turn.session_id)
    assert session.system_prompt == "Be brief."


async def test_json_mode_names_json_and_leaves_tools_out(desk: Desk) -> None:
    desk.says("{}")
    await read(desk.ask(OBJECT, tools=[ToolDefinition(function=FunctionTool(name="clock"))]))
    (body,) = desk.bodies()
    assert body["response_format"] == {"type": "json_object"}
    assert "JSON" in body["messages"][0]["content"]
    assert "tools" not in body
