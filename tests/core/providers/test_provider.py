"""Answers of OpenAI-shaped servers and of others, over real connections."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.chat import (
    Event,
    Finished,
    JsonSchema,
    JsonSchemaFormat,
    LimitsReported,
    RateLimits,
    TextDelta,
    Usage,
    UsageReported,
)
from core.errors import (
    RateLimited,
    ServerFailed,
    UnexpectedResponse,
)
from core.providers import OpenAICompatibleProvider, Provider, groq_provider, openai_compatible
from core.providers.profiles import GROQ
from tests.core.providers.asking import HELLO_EVENTS, REQUEST, WHOLE, MakeProvider, collect
from tests.core.providers.conftest import KEY
from tests.core.providers.replay import (
    HELLO,
    ReplayServer,
    Reply,
    answer,
    cut,
    head,
    replaying,
    stream,
)


async def test_an_answer_streams(server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
    server.reply(stream(*HELLO))
    assert await collect(provider) == HELLO_EVENTS
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"].startswith("TensorWall/")
    assert request.headers["content-type"] == "application/json"
    assert request.json["model"] == "m"
    assert request.json["stream"] is True


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sizes=st.lists(st.integers(1, 90), max_size=12), ending=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_bytes_cut_anywhere_on_a_real_connection(sizes: list[int], ending: bytes) -> None:
    async def run() -> None:
        data = b"".join(HELLO).replace(b"\n", ending)
        provider = None
        async with replaying() as server:
            server.reply(stream(*(piece for piece in cut(data, sizes) if piece)))
            provider = openai_compatible("test", server.url, api_key=KEY)
            assert await collect(provider) == HELLO_EVENTS
            await provider.aclose()

    asyncio.run(run())


async def test_an_answer_in_one_piece(server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
    server.reply(answer(WHOLE))
    response = await provider.complete(REQUEST, model="m")
    assert (response.text, response.usage, response.model) == ("Hello", Usage(5, 2), "m")
    assert (response.cost, response.decision) == (None, None)
    assert server.requests[0].json["stream"] is False


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream", "text/plain"])
async def test_a_server_that_does_not_stream(
    server: ReplayServer, provider: OpenAICompatibleProvider, content_type: str
) -> None:
    server.reply(answer(WHOLE, content_type=content_type))
    assert await collect(provider) == [TextDelta("Hello"), UsageReported(Usage(5, 2)), Finished("stop")]


async def test_a_schema_on_groq_is_answered_in_one_piece(
    server: ReplayServer, provider_at: MakeProvider
) -> None:
    server.reply(answer(WHOLE, headers={"x-ratelimit-remaining-tokens": "7000"}))
    schema = JsonSchemaFormat(json_schema=JsonSchema(schema={"type": "object"}))
    request = REQUEST.model_copy(update={"response_format": schema})
    events = await collect(provider_at(server.url, GROQ), request)
    assert events == [
        LimitsReported(RateLimits(remaining_tokens=7000)),
        TextDelta("Hello"),
        UsageReported(Usage(5, 2)),
        Finished("stop"),
    ]
    assert server.requests[0].json["stream"] is False
    assert server.requests[0].json["max_completion_tokens"] == 4096


async def test_limits_come_first(server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
    server.reply(stream(*HELLO, headers={"x-ratelimit-reset-requests": "2m59.56s"}))
    assert (await collect(provider))[0] == LimitsReported(RateLimits(reset_requests=179.56))


async def test_a_compressed_stream(server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
    server.reply(stream(gzip.compress(b"".join(HELLO)), headers={"content-encoding": "gzip"}))
    assert await collect(provider) == HELLO_EVENTS
    server.replies.clear()
    server.reply(stream(b"this is no gzip", headers={"content-encoding": "gzip"}))
    with pytest.raises(UnexpectedResponse, match="compression"):
        await collect(provider)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer("<!DOCTYPE html><title>Log in</title>", content_type="text/html"), "web page"),
        (answer("\n <html>", content_type="text/event-stream"), "web page"),
        (answer("hello from my server", content_type="text/plain"), "hello from my server"),
        (answer({"status": "ok"}), "no chat answer"),
        (answer([]), "no chat answer"),
        (answer("", status=308, headers={"location": "https://elsewhere/v1"}), "https://elsewhere/v1"),
        (answer("Not Found", status=404, content_type="text/plain"), "no chat API at this address"),
    ],
)
async def test_servers_that_are_not_openai_shaped(
    server: ReplayServer, provider: OpenAICompatibleProvider, reply: Reply, words: str
) -> None:
    server.reply(reply)
    with pytest.raises(UnexpectedResponse, match=words) as caught:
        await collect(provider)
    assert "base URL" in caught.value.hint
    with pytest.raises(UnexpectedResponse):
        await provider.complete(REQUEST, model="m")


async def test_a_body_without_end_is_refused(
    server: ReplayServer, provider: OpenAICompatibleProvider
) -> None:
    server.reply(stream(b"{", *[b" " * 1_000_000] * 40))
    with pytest.raises(UnexpectedResponse, match="more than"):
        await provider.complete(REQUEST, model="m")


async def test_an_http_error(server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
    body = {"error": {"message": "Rate limit reached", "code": "rate_limit_exceeded"}}
    server.reply(answer(body, status=429, headers={"retry-after": "7", "x-request-id": "req_1"}))
    for call in (collect(provider), provider.complete(REQUEST, model="m"), provider.models()):
        with pytest.raises(RateLimited, match="Rate limit reached") as caught:
            await call
        assert caught.value.retry_after == 7
        assert (caught.value.status, caught.value.request_id) == (429, "req_1")
    assert (server.accepted, server.open) == (1, 1)


async def test_an_error_whose_body_never_ends(
    server: ReplayServer, provider: OpenAICompatibleProvider
) -> None:
    server.reply(Reply([head(503, {"content-length": "1000"}) + b"overloaded"], then="close"))
    with pytest.raises(ServerFailed, match="overloaded"):
        await collect(provider)


def test_a_provider_serves_one_event_loop_after_another() -> None:
    provider = openai_compatible("test", "http://127.0.0.1:1/v1", api_key=KEY)

    async def run() -> list[Event]:
        async with replaying() as server:
            server.reply(stream(*HELLO))
            there = provider.with_overrides(None, server.url)
            provider_events = await collect(there)
            await there.aclose()
            assert await provider.warm() is False
            return provider_events

    assert asyncio.run(run()) == asyncio.run(run()) == HELLO_EVENTS


def test_importing_the_providers_is_light() -> None:
    heavy = {"httpx", "keyring", "sqlalchemy", "genai_prices"}
    code = f"import sys, core.providers; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_the_providers_fit_the_protocol() -> None:
    providers: list[Provider] = [groq_provider, openai_compatible("mine", "http://127.0.0.1:1/v1")]
    assert [provider.name for provider in providers] == ["groq", "mine"]
    assert "127.0.0.1" not in repr(providers)
