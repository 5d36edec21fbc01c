"""Turns over real HTTP: history, branches, stopping, failing, and what is kept of it all."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest

from core.assistant import Assistant, ReplyOptions, Turn
from core.catalogue import Catalogue, load_catalogue
from core.chat import (
    Event,
    Finished,
    FunctionTool,
    ImagePart,
    JsonObjectFormat,
    Message,
    ReasoningDelta,
    RouteChosen,
    TextDelta,
    TextPart,
    ToolDefinition,
    UsageReported,
)
from core.errors import (
    DatabaseDamaged,
    DiskFull,
    InputError,
    StreamInterrupted,
    TensorWallError,
    UnknownRoute,
)
from core.providers import groq_provider
from core.records import LazyRecords, Records, open_records
from core.routing import LLMRouter, RouteEndpoint
from core.settings import ChatSettings
from tests.simulated import Simulated

ROOT = Path(__file__).parents[2]
PLAIN = {"reasoning": ""}
LONG = "word " * 3_000 + "end"


class Desk:
    """An assistant whose only provider is the simulator."""

    def __init__(self, simulator: Simulated, path: Path, catalogue: Catalogue) -> None:
        self.simulator = simulator
        self.catalogue = catalogue
        self.router = LLMRouter(catalogue=catalogue)
        provider = groq_provider.with_overrides(api_key=simulator.api_key, base_url=simulator.base_url)
        self.provider = provider
        self.router.add_route("openai/*", [RouteEndpoint(provider=provider)])
        self.router.add_route("llama*", [RouteEndpoint(provider=provider)])
        self.opened = 0
        self.records = LazyRecords(lambda: self._open(path))
        self.assistant = Assistant(self.router, catalogue, ChatSettings(titles="model"), self.records)

    async def _open(self, path: Path) -> Records:
        self.opened += 1
        return await open_records(path, self.catalogue)

    def ask(self, text: str, session_id: str | None = None, **more) -> Turn:
        return self.assistant.reply(session_id, Message(role="user", content=text), **more)

    async def branch(self, turn: Turn) -> list[tuple[str, str, str]]:
        messages = await (await self.records()).conversations.messages(turn.session_id)
        return [(stored.message.role, stored.message.text, stored.state) for stored in messages]

    def sent(self) -> list[list[dict[str, object]]]:
        return [request["body"]["messages"] for request in self.simulator.requests() if request.get("body")]


async def read(turn: Turn) -> list[Event]:
    return [event async for event in turn]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tensorwall.db"


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
async def desk(simulator: Simulated, path: Path, catalogue: Catalogue) -> AsyncIterator[Desk]:
    desk = Desk(simulator, path, catalogue)
    yield desk
    await desk.records.aclose()
    await desk.router.aclose()


async def test_a_new_conversation_is_answered_and_kept(desk: Desk) -> None:
    desk.simulator.configure(text="The moon pulls the sea.", reasoning="Think of tides.")
    turn = desk.ask("How do tides work?")
    assert turn.state == "streaming"
    events = await read(turn)
    assert isinstance(events[0], RouteChosen)
    assert isinstance(events[-1], Finished)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == turn.text
    assert any(isinstance(event, ReasoningDelta) for event in events)
    assert (turn.state, turn.text, turn.storage_error) == ("complete", "The moon pulls the sea.", None)
    usage = next(event.usage for event in events if isinstance(event, UsageReported))
    assert turn.usage == usage
    assert turn.decision is not None
    assert len(turn.decision.calls) == 1

    records = await desk.records()
    session = await records.conversations.get(turn.session_id)
    assert session.title == "How do tides work?"
    question, answer = await records.conversations.messages(turn.session_id)
    assert (question.id, answer.id) == (turn.question_id, turn.answer_id)
    assert answer.message.reasoning == "Think of tides."
    assert (answer.provider, answer.model) == ("groq", "openai/gpt-oss-120b")
    assert answer.finish_reason == "stop"
    assert answer.finished_at is not None

    (row,) = await records.ledger.rows(turn.session_id)
    assert (row.outcome, row.message_id, row.feature) == ("answered", turn.answer_id, "chat")
    assert row.cost == turn.cost
    assert turn.cost is not None
    assert turn.cost > 0
    assert row.completion_tokens == usage.completion_tokens
    assert not row.estimated


async def test_history_goes_with_the_next_question_and_the_prefix_stays(desk: Desk) -> None:
    desk.assistant.settings = ChatSettings(system_prompt="Be brief.", temperature=0.5)
    desk.simulator.configure(text="One.", **PLAIN)
    first = desk.ask("1?")
    await read(first)
    await read(desk.ask("2?", first.session_id))
    before, after = desk.sent()
    assert before == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1?"}]
    assert after[:2] == before
    assert after[2:] == [{"role": "assistant", "content": "One."}, {"role": "user", "content": "2?"}]
    assert desk.simulator.requests()[0]["body"]["temperature"] == 0.5
    assert [text for _, text, _ in await desk.branch(first)] == ["1?", "One.", "2?", "One."]


async def test_regenerating_and_editing_make_branches(desk: Desk) -> None:
    desk.simulator.configure(text="first", **PLAIN)
    turn = desk.ask("question")
    await read(turn)
    desk.simulator.configure(text="second", **PLAIN)
    again = desk.assistant.reply(turn.session_id, None)
    assert again.question_id is None
    await read(again)
    assert await desk.branch(turn) == [("user", "question", "complete"), ("assistant", "second", "complete")]
    named = desk.assistant.reply(turn.session_id, None, parent_id=turn.question_id)
    await read(named)
    edited = desk.ask("edited", turn.session_id, parent_id=None)
    await read(edited)
    assert await desk.branch(turn) == [("user", "edited", "complete"), ("assistant", "second", "complete")]
    conversations = (await desk.records()).conversations
    assert await conversations.siblings(turn.answer_id) == [turn.answer_id, again.answer_id, named.answer_id]
    assert await conversations.siblings(edited.question_id) == [turn.question_id, edited.question_id]
    assert [len(messages) for messages in desk.sent()[-3:]] == [1, 1, 1]


async def test_a_question_that_was_never_answered_can_be(desk: Desk) -> None:
    conversations = (await desk.records()).conversations
    session = await conversations.create()
    with pytest.raises(InputError, match="no question"):
        await read(desk.assistant.reply(session.id, None))
    await conversations.add(session.id, None, Message(role="user", content="waiting"))
    desk.simulator.configure(text="here", **PLAIN)
    turn = desk.assistant.reply(session.id, None)
    await read(turn)
    assert [text for _, text, _ in await desk.branch(turn)] == ["waiting", "here"]


async def begun(turn: Turn) -> None:
    while not turn.text:  # noqa: ASYNC110  # the reader's progress is all there is to see
        await asyncio.sleep(0.001)


async def stop_by_aclose(turn: Turn) -> None:
    async for event in turn:
        if isinstance(event, TextDelta):
            await turn.aclose()


async def stop_from_another_task(turn: Turn) -> None:
    reading = asyncio.create_task(read(turn))
    await begun(turn)
    await turn.aclose()
    assert isinstance((await reading)[-1], TextDelta)


async def stop_by_cancelling(turn: Turn) -> None:
    reading = asyncio.create_task(read(turn))
    await begun(turn)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def stop_by_leaving(turn: Turn) -> None:
    async with turn:
        async for event in turn:
            if isinstance(event, TextDelta):
                break


@pytest.mark.parametrize(
    "stop", [stop_by_aclose, stop_from_another_task, stop_by_cancelling, stop_by_leaving]
)
async def test_stopping_ends_the_call_and_keeps_the_text(desk: Desk, stop: Callable) -> None:
    desk.simulator.configure(text=[f"{number} " for number in range(2_000)], tokens_per_second=200, **PLAIN)
    turn = desk.ask("Count.")
    await stop(turn)
    assert turn.state == "stopped"
    assert turn.response is None
    assert turn.text.startswith("0 ")
    assert await desk.branch(turn) == [("user", "Count.", "complete"), ("assistant", turn.text, "stopped")]
    (row,) = await (await desk.records()).ledger.rows(turn.session_id)
    assert (row.outcome, row.estimated) == ("cancelled", True)
    assert row.completion_tokens > 0
    assert row.cost
    await turn.aclose()
    await read(turn)  # what a consumer that was stopped had not taken yet
    assert await read(turn) == []


async def test_a_turn_that_is_never_read_does_nothing(desk: Desk) -> None:
    async with desk.ask("Nothing?") as turn:
        pass
    assert turn.state == "stopped"
    assert await read(turn) == []
    assert desk.opened == 0
    assert desk.simulator.requests() == []


async def test_a_failure_keeps_what_had_arrived_and_says_why(desk: Desk) -> None:
    desk.simulator.configure(text="one two three four", faults=[{"kind": "end", "after_tokens": 3}], **PLAIN)
    turn = desk.ask("Count.")
    with pytest.raises(StreamInterrupted) as caught:
        await read(turn)
    assert await read(turn) == []  # an error is told once
    assert turn.state == "failed"
    answer = (await (await desk.records()).conversations.messages(turn.session_id))[-1]
    assert (answer.state, answer.message.text) == ("failed", turn.text)
    assert turn.text.startswith("one")
    assert (answer.error, answer.error_type) == (str(caught.value), "StreamInterrupted")
    row, *rescues = await (await desk.records()).ledger.rows(turn.session_id)
    assert (row.outcome, row.error_type, row.estimated) == ("interrupted", "StreamInterrupted", True)
    assert {(rescue.role, rescue.outcome) for rescue in rescues} <= {("rescue", "failed")}


async def test_an_answer_that_is_gone_on_with_is_one_message_and_each_of_its_calls_is_paid(
    desk: Desk,
) -> None:
    told = "One two three four five six seven eight nine ten."
    fault = {"kind": "cut", "after_tokens": 6, "times": 1}
    desk.simulator.configure(text=told, faults=[fault], **PLAIN)
    turn = desk.ask("Count.")
    events = await read(turn)
    assert [event.continues for event in events if isinstance(event, RouteChosen)] == [False, True]
    _, answer = await (await desk.records()).conversations.messages(turn.session_id)
    assert (answer.state, answer.message.text, turn.text) == ("complete", told, told)
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert [(row.role, row.outcome) for row in rows] == [("first", "interrupted"), ("rescue", "answered")]
    assert turn.cost == sum(row.cost for row in rows if row.cost is not None)
    assert turn.usage is not None
    assert turn.usage.prompt_tokens == sum(row.prompt_tokens for row in rows)
    assert turn.usage.completion_tokens == sum(row.completion_tokens for row in rows)


async def test_every_call_of_a_failed_turn_is_booked(desk: Desk) -> None:
    desk.simulator.fail("unauthorized")
    turn = desk.ask("Hello")
    with pytest.raises(TensorWallError):
        await read(turn)
    assert turn.state == "failed"
    answer = (await (await desk.records()).conversations.messages(turn.session_id))[-1]
    assert answer.error_type in {"AuthenticationFailed", "AllRoutesFailed"}
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert {row.outcome for row in rows} == {"failed"}
    assert sum((row.cost or 0 for row in rows), Decimal(0)) == 0
    desk.simulator.configure(text="Hi", **PLAIN)
    again = desk.assistant.reply(turn.session_id, None)
    await read(again)
    assert (await desk.branch(turn))[-1] == ("assistant", "Hi", "complete")


async def test_a_retired_model_is_replaced_and_both_calls_are_booked(desk: Desk) -> None:
    desk.simulator.configure(text="Hi", **PLAIN)
    turn = desk.ask("Hello", model="llama-3.3-70b-versatile")
    await read(turn)
    assert turn.state == "complete"
    records = await desk.records()
    rows = await records.ledger.rows(turn.session_id)
    assert [row.outcome for row in rows] == ["failed", "answered"]
    answer = (await records.conversations.messages(turn.session_id))[-1]
    assert answer.model == rows[-1].model != "llama-3.3-70b-versatile"
    assert (await records.conversations.get(turn.session_id)).model == "llama-3.3-70b-versatile"


async def test_an_unknown_route_or_session_or_option_is_told(desk: Desk) -> None:
    with pytest.raises(UnknownRoute):
        await read(desk.ask("x", model="nobody-has-this"))
    with pytest.raises(InputError, match="no conversation"):
        await read(desk.ask("x", "nosuchsessio"))
    with pytest.raises(InputError, match="temperature"):
        await read(desk.ask("x", options=ReplyOptions(temperature=9)))
    assert desk.simulator.requests() == []


async def test_options_go_on_the_wire(desk: Desk) -> None:
    desk.simulator.configure(reasoning="")
    options = ReplyOptions(
        system_prompt="Answer in JSON.",
        response_format=JsonObjectFormat(),
        max_completion_tokens=77,
        seed=5,
        stop=["END"],
        reasoning_effort="low",
    )
    turn = desk.ask("Give me JSON", options=options, model="openai/gpt-oss-20b")
    await read(turn)
    body = desk.simulator.requests()[0]["body"]
    assert body["messages"][0] == {"role": "system", "content": "Answer in JSON."}
    assert body["response_format"] == {"type": "json_object"}
    assert (body["max_completion_tokens"], body["seed"], body["reasoning_effort"]) == (77, 5, "low")
    assert (
        await (await desk.records()).conversations.get(turn.session_id)
    ).system_prompt == "Answer in JSON."


async def test_tool_calls_and_results_are_kept_and_replayed(desk: Desk) -> None:
    tool = ToolDefinition(function=FunctionTool(name="add"))
    options = ReplyOptions(tools=[tool])
    desk.simulator.configure(tool_calls=[{"name": "add", "arguments": {"a": 1}}], **PLAIN)
    turn = desk.ask("1+1?", options=options)
    await read(turn)
    assert turn.response is not None
    (call,) = turn.response.tool_calls
    conversations = (await desk.records()).conversations
    await conversations.add(
        turn.session_id, turn.answer_id, Message(role="tool", content="2", tool_call_id=call.id)
    )
    desk.simulator.configure(text="It is 2.", **PLAIN)
    answer = desk.assistant.reply(turn.session_id, None, options=options)
    await read(answer)
    question, calling, result = desk.sent()[-1]
    assert question["content"] == "1+1?"
    assert calling["tool_calls"][0]["id"] == result["tool_call_id"] == call.id
    assert [role for role, _, _ in await desk.branch(turn)] == ["user", "assistant", "tool", "assistant"]


async def test_an_image_goes_to_no_model_that_is_known_not_to_see(desk: Desk) -> None:
    desk.simulator.configure(**PLAIN)
    seeing, blind = "qwen/qwen3.8-27b", "openai/gpt-oss-20b"
    desk.router.add_route("qwen/*", [RouteEndpoint(provider=desk.provider)])
    image = ImagePart.from_bytes(b"\x89PNG\r\n\x1a\n", "image/png")
    photo = Message(role="user", content=[TextPart(text="What is this?"), image])
    with pytest.raises(InputError, match="gpt-oss-20b does not see images") as raised:
        await read(desk.assistant.reply(None, photo, model=blind))
    assert seeing in raised.value.hint
    assert desk.sent() == []

    first = desk.assistant.reply(None, photo, model=seeing)
    await read(first)
    await read(desk.ask("And now?", first.session_id, model=blind))
    assert desk.sent()[0][0]["content"][1]["type"] == "image_url"
    assert desk.sent()[1][0]["content"] == "What is this?\n\n(an image, left out)"


async def test_the_oldest_messages_are_left_out_when_the_window_is_full(desk: Desk) -> None:
    conversations = (await desk.records()).conversations
    session = await conversations.create(system_prompt="Stay.")
    parent = None
    for number in range(20):
        text = f"{number} " + "word " * 10_000
        role = "user" if number % 2 == 0 else "assistant"
        parent = (await conversations.add(session.id, parent, Message(role=role, content=text))).id
    desk.simulator.configure(text="ok", **PLAIN)
    turn = desk.ask("last", session.id)
    await read(turn)
    assert turn.state == "complete"
    assert 0 < turn.left_out < 20
    sent = desk.sent()[0]
    assert sent[0] == {"role": "system", "content": "Stay."}
    assert sent[1]["role"] == "user"
    assert sent[-1]["content"] == "last"
    assert len(sent) == 1 + 20 - turn.left_out + 1
    assert len(await desk.branch(turn)) == 22


async def test_the_first_token_does_not_wait_for_storage(desk: Desk) -> None:
    desk.simulator.configure(text="quick", **PLAIN)
    may_open = asyncio.Event()
    open_now = desk.records._open

    async def open_later() -> Records:
        await may_open.wait()
        return await open_now()

    desk.records._open = open_later
    turn = desk.ask("Hurry!")
    events: list[Event] = []
    async for event in turn:
        events.append(event)
        if isinstance(event, Finished):
            may_open.set()
    assert isinstance(events[-1], Finished)
    assert await desk.branch(turn) == [("user", "Hurry!", "complete"), ("assistant", "quick", "complete")]
    (row,) = await (await desk.records()).ledger.rows(turn.session_id)
    assert row.outcome == "answered"


async def test_a_database_that_cannot_be_opened_costs_no_answer(desk: Desk, path: Path) -> None:
    write(path, b"not a database at all")
    desk.simulator.configure(text="still here", **PLAIN)
    turn = desk.ask("Hello")
    await read(turn)
    assert (turn.state, turn.text) == ("complete", "still here")
    assert isinstance(turn.storage_error, DatabaseDamaged)

    write(path, b"")  # mended: the next turn of the conversation is kept again
    desk.simulator.configure(text="and here", **PLAIN)
    second = desk.ask("More?", turn.session_id)
    await read(second)
    assert second.storage_error is None
    assert [message["content"] for message in desk.sent()[-1]] == ["Hello", "still here", "More?"]
    assert [text for _, text, _ in await desk.branch(turn)] == ["Hello", "still here", "More?", "and here"]


async def test_a_disk_that_fills_up_costs_no_answer(desk: Desk) -> None:
    desk.simulator.configure(text=LONG, **PLAIN)
    database = (await desk.records()).database
    pages = await database.read(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    await database.read(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}").all())
    turn = desk.ask("A lot, please")
    await read(turn)
    assert turn.state == "complete"
    assert turn.text == LONG
    assert isinstance(turn.storage_error, DiskFull)

    desk.simulator.configure(text="short", **PLAIN)
    second = desk.ask("Less", turn.session_id)  # goes on from memory
    await read(second)
    assert isinstance(second.storage_error, DiskFull)
    assert [message["content"] for message in desk.sent()[-1]] == ["A lot, please", LONG, "Less"]

    await database.read(lambda c: c.exec_driver_sql("PRAGMA max_page_count = 1000000").all())
    third = desk.ask("Again", turn.session_id)
    await read(third)
    assert (turn.storage_error, second.storage_error, third.storage_error) == (None, None, None)
    branch = await desk.branch(turn)
    assert [text for _, text, _ in branch] == ["A lot, please", LONG, "Less", "short", "Again", "short"]
    rows = await (await desk.records()).ledger.rows(turn.session_id)
    assert [row.outcome for row in rows] == ["answered"] * 3


def write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


async def test_a_model_names_the_conversation_and_its_cost_is_booked(desk: Desk) -> None:
    desk.simulator.configure(text="The moon.", **PLAIN)
    turn = desk.ask("How do tides work?")
    await read(turn)
    desk.simulator.configure(text='"Tides, explained."', **PLAIN)
    assert await desk.assistant.suggest_title(turn.session_id) == "Tides, explained"
    records = await desk.records()
    session = await records.conversations.get(turn.session_id)
    assert (session.title, session.title_source) == ("Tides, explained", "model")
    assert [row.feature for row in await records.ledger.rows(turn.session_id)] == ["chat", "title"]
    assert await desk.assistant.suggest_title(turn.session_id) is None  # once is enough


async def test_no_model_is_asked_for_a_title_in_vain(desk: Desk) -> None:
    desk.simulator.configure(text="The moon.", **PLAIN)
    turn = desk.ask("How do tides work?")
    await read(turn)
    asked = len(desk.simulator.requests())
    desk.assistant.settings = ChatSettings(titles="first_words")
    assert await desk.assistant.suggest_title(turn.session_id) is None
    assert len(desk.simulator.requests()) == asked
    desk.assistant.settings = ChatSettings(titles="model")
    desk.simulator.fail("server_error")
    assert await desk.assistant.suggest_title(turn.session_id) is None
    assert (await (await desk.records()).conversations.get(turn.session_id)).title == "How do tides work?"


async def test_records_are_opened_once_for_all_who_ask(desk: Desk) -> None:
    first, second, waiting = (asyncio.create_task(desk.records()) for _ in range(3))
    await asyncio.sleep(0)
    waiting.cancel()
    assert await first is await second
    assert desk.opened == 1


def test_importing_the_assistant_is_cheap() -> None:
    code = (
        "import sys, core.assistant, core.records, core.conversations, core.storage\n"
        "slow = {'sqlalchemy', 'alembic', 'genai_prices', 'keyring', 'pydantic_settings'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout == "[]\n"


async def test_a_preview_is_the_request_that_a_reply_would_send(desk: Desk) -> None:
    desk.assistant.settings = ChatSettings(system_prompt="Be brief.", max_completion_tokens=77)
    turn = desk.ask("One?")
    await read(turn)
    conversations = (await desk.records()).conversations
    previewed = await desk.assistant.preview(
        await conversations.get(turn.session_id),
        await conversations.messages(turn.session_id),
        Message(role="user", content="Two?"),
        model=desk.catalogue.default_model,
    )
    assert len(desk.sent()) == 1
    await read(desk.ask("Two?", turn.session_id))
    said = [(message["role"], message["content"]) for message in desk.sent()[-1]]
    assert [(message.role, message.text) for message in previewed.messages] == said
    assert previewed.max_completion_tokens == 77
    assert [decision.requested for decision in turn.decisions] == [desk.catalogue.default_model]
