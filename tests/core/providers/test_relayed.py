"""A client's body goes on the wire as it came, and the answer comes back as the provider wrote it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.chat import ChatRequest, Finished, JsonSchemaFormat, Message, Relayed, TextDelta, UsageReported
from core.providers import OpenAICompatibleProvider
from core.providers.base import ProviderProfile
from core.providers.profiles import GROQ, LLAMA_CPP, OPENAI, custom_profile
from core.providers.request_body import left_out, request_body

CUSTOM = custom_profile("custom", "https://host.example/v1")
BODY: dict[str, Any] = {
    "model": "alias",
    "messages": [
        {"role": "developer", "content": "Be brief.", "cache_control": {"type": "ephemeral"}},
        {"role": "user", "name": "ann", "content": [{"type": "file", "file": {"file_id": "f1"}}]},
    ],
    "stream": True,
    "max_tokens": 12,
    "temperature": 0,
    "documents": [{"text": "a field nobody here knows"}],
    "logprobs": True,
}


def relayed(body: dict[str, Any] = BODY, **seen: Any) -> ChatRequest:
    view = {"model": "alias", "messages": [Message(role="user", content="Hi")], "max_completion_tokens": 12}
    return ChatRequest(**{**view, **seen, "relayed": body})


def sent(profile: ProviderProfile, request: ChatRequest, *, stream: bool = True) -> dict[str, Any]:
    return request_body(profile, request, model="own-model", stream=stream)


def test_unknown_fields_messages_and_parts_are_untouched() -> None:
    wire = sent(CUSTOM, relayed())
    assert wire["model"] == "own-model"
    assert wire["max_tokens"] == 12
    assert wire["temperature"] == 0
    assert wire["documents"] == BODY["documents"]
    assert wire["logprobs"] is True
    assert wire["messages"][0] == {**BODY["messages"][0], "role": "system"}
    assert wire["messages"][1] == BODY["messages"][1]
    assert sent(OPENAI, relayed())["messages"] == BODY["messages"]


def test_what_the_provider_refuses_is_left_out_and_can_be_told() -> None:
    wire = sent(GROQ, relayed())
    assert "logprobs" not in wire
    assert "name" not in wire["messages"][1]
    assert wire["max_completion_tokens"] == 12
    assert "max_tokens" not in wire
    assert left_out(GROQ, relayed(), model="own-model") == ["logprobs", "messages.name", "messages.role"]
    assert left_out(CUSTOM, relayed(), model="own-model") == ["messages.role"]
    assert left_out(OPENAI, relayed(), model="own-model") == []


@pytest.mark.parametrize(
    ("profile", "n", "answers"),
    [
        (OPENAI, 3, 3),
        (CUSTOM, 2, 2),
        (CUSTOM, 1, 1),
        (OPENAI, float("inf"), 128),
        (OPENAI, "two", 1),
        (OPENAI, -1, 1),
        (OPENAI, None, 1),
        (GROQ, 3, 1),
        (LLAMA_CPP, 3, 1),
    ],
)
def test_several_answers_are_asked_for_where_the_provider_gives_them(
    profile: ProviderProfile, n: object, answers: int
) -> None:
    request = relayed({**BODY, "n": n})
    taken = profile in (OPENAI, CUSTOM)
    assert sent(profile, request).get("n", "missing") == (n if taken else "missing")
    assert ("n" in left_out(profile, request, model="own-model")) is not taken
    assert profile.answers(request, "own-model") == answers


def test_a_request_of_our_own_has_one_answer() -> None:
    request = ChatRequest(model="m", messages=[Message(role="user", content="Hi")], extra={"n": 2})
    assert "n" not in sent(OPENAI, request)
    assert OPENAI.answers(request, "own-model") == 1


def test_an_effort_that_becomes_another_is_told() -> None:
    thinking = relayed({**BODY, "messages": [], "logprobs": None, "reasoning_effort": "none"})
    assert "reasoning_effort" in left_out(GROQ, thinking, model="openai/gpt-oss-120b")
    assert "reasoning_effort" not in left_out(GROQ, thinking, model="qwen/qwen3.8-27b")


def test_the_clients_body_is_not_changed() -> None:
    before = json.dumps(BODY)
    sent(GROQ, relayed())
    assert json.dumps(BODY) == before


@pytest.mark.parametrize("options", [None, {"include_usage": False}, {"include_usage": False, "more": 1}])
def test_usage_is_always_asked_for_in_a_stream(options: dict[str, Any] | None) -> None:
    body = {**BODY, "stream_options": options} if options is not None else BODY
    assert sent(CUSTOM, relayed(body))["stream_options"] == {**(options or {}), "include_usage": True}
    assert "stream_options" not in sent(CUSTOM, relayed(body), stream=False)


def test_an_effort_the_model_does_not_know_becomes_one_it_does() -> None:
    request = relayed({**BODY, "reasoning_effort": "minimal"})
    wire = request_body(GROQ, request, model="openai/gpt-oss-120b", stream=True)
    assert wire["reasoning_effort"] == "low"
    odd = relayed({**BODY, "reasoning_effort": ["odd"]})
    assert request_body(GROQ, odd, model="openai/gpt-oss-120b", stream=True)["reasoning_effort"] == ["odd"]


@pytest.fixture
async def groq(simulator):
    provider = OpenAICompatibleProvider(GROQ, api_key=simulator.api_key, base_url=simulator.base_url)
    yield provider
    await provider.aclose()


ASKED = {"model": "openai/gpt-oss-20b", "messages": [{"role": "user", "content": "Hi"}]}


async def test_every_chunk_of_a_stream_comes_as_it_was_written(groq, simulator) -> None:
    simulator.configure(text="All is well.", reasoning="")
    events = [event async for event in groq.stream(relayed(ASKED), model="openai/gpt-oss-20b")]
    chunks = [json.loads(event.data) for event in events if isinstance(event, Relayed)]
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == text == "All is well."
    assert deltas[0]["role"] == "assistant"
    assert all(chunk["object"] == "chat.completion.chunk" and chunk["id"] for chunk in chunks)
    assert isinstance(events[-1], Finished)
    assert any(isinstance(event, UsageReported) for event in events)


async def test_a_whole_answer_comes_as_it_was_written(groq, simulator) -> None:
    simulator.configure(text="All is well.", reasoning="")
    response = await groq.complete(relayed(ASKED), model="openai/gpt-oss-20b")
    assert response.relayed is not None
    body = json.loads(response.relayed)
    assert body["choices"][0]["message"]["content"] == response.text == "All is well."
    assert body["usage"]["queue_time"] >= 0  # a field that only Groq has


async def test_a_schema_that_cannot_be_streamed_comes_whole_without_chunks(groq, simulator) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    given = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    request = relayed(
        {**ASKED, "response_format": given},
        response_format=JsonSchemaFormat.model_validate(given),
        max_completion_tokens=2000,
    )
    events = [event async for event in groq.stream(request, model="openai/gpt-oss-20b")]
    assert not [event for event in events if isinstance(event, Relayed)]
    assert json.loads("".join(event.text for event in events if isinstance(event, TextDelta)))


async def test_the_answer_to_an_ordinary_request_is_not_relayed(groq) -> None:
    request = ChatRequest(model="m", messages=[Message(role="user", content="Hi")])
    events = [event async for event in groq.stream(request, model="openai/gpt-oss-20b")]
    assert not [event for event in events if isinstance(event, Relayed)]
    assert (await groq.complete(request, model="openai/gpt-oss-20b")).relayed is None
