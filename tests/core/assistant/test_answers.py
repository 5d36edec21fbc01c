"""Turns over real HTTP: history, branches, what goes on the wire, and what is kept of it all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.assistant import ReplyOptions
from core.chat import (
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
    InputError,
    UnknownRoute,
)
from core.routing import RouteEndpoint
from core.settings import ChatSettings
from tests.core.assistant.conftest import PLAIN, Desk, read

ROOT = Path(__file__).parents[3]


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
