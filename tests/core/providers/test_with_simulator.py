"""The ordinary paths and the faults of a whole provider, against the simulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from core.chat import (
    ChatRequest,
    Event,
    Finished,
    FunctionTool,
    ImagePart,
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    LimitsReported,
    Message,
    ReasoningDelta,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolDefinition,
    UsageReported,
)
from core.errors import (
    AccessDenied,
    AuthenticationFailed,
    CapacityExceeded,
    ConnectionFailed,
    InvalidRequest,
    ModelUnavailable,
    OutputInvalid,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    RequestTooLarge,
    ServerFailed,
    StreamInterrupted,
    StreamStalled,
    ToolCallInvalid,
    UnexpectedResponse,
    Unprocessable,
)
from core.providers import OpenAICompatibleProvider, openai_compatible
from core.providers.profiles import GROQ
from tests.simulated import Simulated

MODEL = "openai/gpt-oss-20b"
VISION = "qwen/qwen3.8-27b"
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002"
    "0001e221bc330000000049454e44ae426082"
)


@pytest.fixture
async def groq(simulator: Simulated) -> AsyncIterator[OpenAICompatibleProvider]:
    profile = replace(GROQ, stall_timeout=1.0)
    provider = OpenAICompatibleProvider(profile, api_key=simulator.api_key, base_url=simulator.base_url)
    yield provider
    await provider.aclose()


@pytest.fixture
async def generic(simulator: Simulated) -> AsyncIterator[OpenAICompatibleProvider]:
    provider = openai_compatible("mine", simulator.generic_url, api_key=simulator.api_key)
    yield provider
    await provider.aclose()


def asking(prompt: str = "Why is the sky blue?", **fields: Any) -> ChatRequest:
    return ChatRequest(model="alias", messages=[Message(role="user", content=prompt)], **fields)


async def collect(
    provider: OpenAICompatibleProvider,
    request: ChatRequest,
    model: str = MODEL,
    into: list[Event] | None = None,
) -> list[Event]:
    events = [] if into is None else into
    async for each in provider.stream(request, model=model):
        events.append(each)
    return events


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def arguments_of(events: list[Event]) -> dict[int, Any]:
    pieces: dict[int, str] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            pieces[event.index] = pieces.get(event.index, "") + event.arguments
    return {index: json.loads(text) for index, text in pieces.items()}


async def test_a_streamed_answer_on_groq(simulator: Simulated, groq: OpenAICompatibleProvider) -> None:
    simulator.configure(text="The sky scatters blue.", reasoning="Rayleigh.", limits="developer")
    events = await collect(groq, asking())
    assert text_of(events) == "The sky scatters blue."
    assert "".join(e.text for e in events if isinstance(e, ReasoningDelta)) == "Rayleigh."
    assert isinstance(events[0], LimitsReported)
    assert events[0].limits.limit_tokens == 250_000
    usage, end = events[-2:]
    assert isinstance(usage, UsageReported)
    assert usage.usage.completion_tokens > usage.usage.reasoning_tokens > 0
    assert usage.usage.queue_time is not None
    assert end == Finished("stop")
    assert sum(isinstance(each, UsageReported) for each in events) == 1


async def test_streamed_and_whole_answers_agree(simulator: Simulated, groq: OpenAICompatibleProvider) -> None:
    simulator.configure(text="Same words.", reasoning="Same thoughts.")
    streamed = await collect(groq, asking())
    whole = await groq.complete(asking(), model=MODEL)
    assert (whole.text, whole.reasoning) == ("Same words.", "Same thoughts.")
    assert text_of(streamed) == whole.text
    assert whole.usage is not None
    assert whole.usage.completion_tokens > 0


async def test_a_generic_server_reports_usage_because_it_is_asked(generic: OpenAICompatibleProvider) -> None:
    events = await collect(generic, asking(), model="my-model")
    assert isinstance(events[-2], UsageReported)
    assert events[-1] == Finished("stop")


async def test_the_output_cap(groq: OpenAICompatibleProvider) -> None:
    events = await collect(groq, asking(max_completion_tokens=5))
    assert events[-1] == Finished("length")


QUIRKS = (
    *("usage_only_x_groq", "usage_only_top_level", "no_done", "crlf", "comments", "byte_by_byte"),
    "whole_tool_calls",
)


@pytest.mark.parametrize("quirk", QUIRKS)
async def test_odd_but_legitimate_wires(
    simulator: Simulated, groq: OpenAICompatibleProvider, quirk: str
) -> None:
    text = "Zwölf Boxkämpfer jagen 漢字 🙂 durch."
    simulator.configure(text=text, quirks=[quirk])
    events = await collect(groq, asking())
    assert text_of(events) == text
    assert [type(each) for each in events[-2:]] == [UsageReported, Finished]


async def test_no_usage_at_all(simulator: Simulated, groq: OpenAICompatibleProvider) -> None:
    simulator.configure(quirks=["no_usage"])
    events = await collect(groq, asking())
    assert not any(isinstance(each, UsageReported) for each in events)
    assert events[-1] == Finished("stop")


async def test_invalid_utf8_is_replaced(simulator: Simulated, groq: OpenAICompatibleProvider) -> None:
    simulator.configure(quirks=["invalid_utf8"])
    events = await collect(groq, asking())
    assert "\N{REPLACEMENT CHARACTER}" in text_of(events)
    assert events[-1] == Finished("stop")


WEATHER = ToolDefinition(
    function=FunctionTool(
        name="get_weather",
        parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    )
)


async def test_tool_calls_streamed_whole_and_answered(
    simulator: Simulated, groq: OpenAICompatibleProvider
) -> None:
    simulator.configure(
        tool_calls=[{"name": "get_weather", "arguments": {"city": city}} for city in ("Paris", "Oslo")]
    )
    request = asking("Weather in Paris and Oslo?", tools=[WEATHER])
    events = await collect(groq, request)
    assert arguments_of(events) == {0: {"city": "Paris"}, 1: {"city": "Oslo"}}
    assert events[-1] == Finished("tool_calls")
    whole = await groq.complete(request, model=MODEL)
    assert [json.loads(call.function.arguments)["city"] for call in whole.tool_calls] == ["Paris", "Oslo"]
    simulator.configure()
    results = [
        Message(role="tool", tool_call_id=call.id, name=call.function.name, content="sunny")
        for call in whole.tool_calls
    ]
    conversation = [*request.messages, whole.message, *results]
    answered = await collect(groq, request.model_copy(update={"messages": conversation}))
    assert text_of(answered)
    assert answered[-1] == Finished("stop")


async def test_json_mode_streamed_and_whole(groq: OpenAICompatibleProvider) -> None:
    request = asking("Describe Paris as JSON.", response_format=JsonObjectFormat())
    assert isinstance(json.loads(text_of(await collect(groq, request))), dict)
    assert isinstance(json.loads((await groq.complete(request, model=MODEL)).text), dict)


async def test_a_schema_although_groq_streams_none(
    simulator: Simulated, groq: OpenAICompatibleProvider
) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    asked = JsonSchemaFormat(json_schema=JsonSchema(name="place", schema=schema, strict=True))
    events = await collect(groq, asking("Where is the Louvre?", response_format=asked))
    assert set(json.loads(text_of(events))) == {"city"}
    assert [type(each) for each in events[-2:]] == [UsageReported, Finished]
    assert len(simulator.requests()) == 1


async def test_an_image_where_the_model_sees(groq: OpenAICompatibleProvider) -> None:
    parts = [TextPart(text="What is this?"), ImagePart.from_bytes(PIXEL, "image/png")]
    request = ChatRequest(model="alias", messages=[Message(role="user", content=parts)])
    assert text_of(await collect(groq, request, model=VISION))


@pytest.mark.parametrize("model", [MODEL, VISION])
@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high"])
async def test_groq_takes_every_effort_we_offer(
    groq: OpenAICompatibleProvider, model: str, effort: Any
) -> None:
    request = asking(
        reasoning_effort=effort,
        temperature=0,
        stop=["a", "b", "c", "d"],
        extra={
            "logprobs": True,
            "n": 2,
            "store": True,
            "include_reasoning": True,
            "reasoning_format": "parsed",
        },
    )
    named = [Message(role="user", content="Hi", name="ann")]
    events = await collect(groq, request.model_copy(update={"messages": named}), model=model)
    assert isinstance(events[-1], Finished)


FAULTS: list[tuple[dict[str, Any], type[ProviderError]]] = [
    ({"kind": "reset"}, ConnectionFailed),
    ({"kind": "close"}, ConnectionFailed),
    ({"kind": "hang"}, ConnectionFailed),
    ({"kind": "unauthorized"}, AuthenticationFailed),
    ({"kind": "forbidden"}, ModelUnavailable),
    ({"kind": "cloudflare"}, AccessDenied),
    ({"kind": "blocked"}, QuotaExhausted),
    ({"kind": "context_length"}, RequestTooLarge),
    ({"kind": "model_not_found"}, ModelUnavailable),
    ({"kind": "model_decommissioned"}, ModelUnavailable),
    ({"kind": "bad_request"}, InvalidRequest),
    ({"kind": "unprocessable"}, Unprocessable),
    ({"kind": "failed_dependency"}, Unprocessable),
    ({"kind": "rate_limited", "retry_after": 7}, RateLimited),
    ({"kind": "too_large"}, RequestTooLarge),
    ({"kind": "capacity"}, CapacityExceeded),
    *(
        ({"kind": "server_error", "status": status, "form": form}, ServerFailed)
        for status, form in ((500, "json"), (502, "html"), (503, "text"), (500, "empty"))
    ),
    ({"kind": "html_page"}, UnexpectedResponse),
    ({"kind": "plain_text"}, UnexpectedResponse),
]
WITHIN: list[tuple[dict[str, Any], type[ProviderError]]] = [
    ({"kind": "sse_error"}, ServerFailed),
    ({"kind": "x_groq_error"}, ServerFailed),
    ({"kind": "tool_use_failed", "failed_generation": "<f"}, ToolCallInvalid),
    ({"kind": "json_validate_failed", "failed_generation": "{"}, OutputInvalid),
    ({"kind": "end"}, StreamInterrupted),
    ({"kind": "cut"}, StreamInterrupted),
    ({"kind": "cut_reset"}, StreamInterrupted),
    ({"kind": "stall"}, StreamStalled),
    ({"kind": "garbage_event"}, UnexpectedResponse),
    ({"kind": "oversized_event"}, UnexpectedResponse),
]


@pytest.mark.parametrize(("fault", "kind"), FAULTS, ids=lambda value: str(value))
async def test_faults_instead_of_an_answer(
    simulator: Simulated, groq: OpenAICompatibleProvider, fault: dict[str, Any], kind: type[ProviderError]
) -> None:
    simulator.configure(faults=[fault])
    with pytest.raises(kind) as caught:
        await collect(groq, asking())
    assert caught.value.provider == "groq"
    assert caught.value.hint
    assert simulator.api_key not in f"{caught.value} {caught.value!r}"
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after == 7


@pytest.mark.parametrize(("fault", "kind"), WITHIN, ids=lambda value: str(value))
async def test_faults_within_an_answer_keep_what_came(
    simulator: Simulated, groq: OpenAICompatibleProvider, fault: dict[str, Any], kind: type[ProviderError]
) -> None:
    simulator.configure(
        text=["one ", "two ", "three ", "four"], reasoning="", faults=[{**fault, "after_tokens": 2}]
    )
    events: list[Event] = []
    with pytest.raises(kind) as caught:
        await collect(groq, asking(), into=events)
    assert text_of(events) == "one two "
    assert caught.value.hint
    if isinstance(caught.value, ToolCallInvalid | OutputInvalid):
        assert caught.value.failed_generation == fault["failed_generation"]


async def test_real_limits(simulator: Simulated, groq: OpenAICompatibleProvider) -> None:
    simulator.configure(limits="free")
    with pytest.raises(RequestTooLarge) as too_large:
        await collect(groq, asking(max_completion_tokens=9000))
    assert too_large.value.limit == 8000
    assert too_large.value.requested is not None
    assert too_large.value.requested > 9000
    simulator.configure(limits={"requests_per_minute": 1})
    await collect(groq, asking())
    with pytest.raises(RateLimited) as limited:
        await collect(groq, asking())
    assert limited.value.retry_after is not None
    assert 0 < limited.value.retry_after <= 61


async def test_models_and_the_check_of_a_key(simulator: Simulated, groq: OpenAICompatibleProvider) -> None:
    listed = {model.id: model for model in await groq.models()}
    assert listed[MODEL].context_window == 131_072
    assert listed[MODEL].max_completion_tokens == 65_536
    assert await groq.check() == list(listed.values())
    stranger = groq.with_overrides("gsk_a_key_nobody_knows_0123456789", None)
    with pytest.raises(AuthenticationFailed):
        await stranger.check()
    await stranger.aclose()


async def test_warming_uses_no_request(simulator: Simulated, groq: OpenAICompatibleProvider) -> None:
    assert await groq.warm() is True
    assert simulator.requests() == []


async def test_stopping_an_answer_that_is_being_written(
    simulator: Simulated, groq: OpenAICompatibleProvider
) -> None:
    simulator.configure(content="paragraph", tokens=10_000, tokens_per_second=200)
    started = asyncio.Event()

    async def read() -> None:
        async for _ in groq.stream(asking(), model=MODEL):
            started.set()

    reading = asyncio.create_task(read())
    await started.wait()
    reading.cancel()
    with suppress(asyncio.CancelledError):
        async with asyncio.timeout(1):
            await reading
    assert reading.cancelled()
