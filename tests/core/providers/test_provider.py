from __future__ import annotations

import asyncio
import contextlib
import gzip
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.chat import (
    ChatRequest,
    Event,
    Finished,
    JsonSchema,
    JsonSchemaFormat,
    LimitsReported,
    Message,
    RateLimits,
    TextDelta,
    Usage,
    UsageReported,
)
from core.errors import (
    AuthenticationFailed,
    CredentialsError,
    ProviderError,
    RateLimited,
    ServerFailed,
    StreamInterrupted,
    StreamStalled,
    UnexpectedResponse,
)
from core.providers import OpenAICompatibleProvider, Provider, RemoteModel, groq_provider, openai_compatible
from core.providers.profiles import GROQ, custom_profile
from tests.core.providers.conftest import KEY
from tests.core.providers.replay import (
    DONE,
    HELLO,
    ReplayServer,
    Reply,
    answer,
    cut,
    delta,
    event,
    head,
    replaying,
    stream,
)

MakeProvider = Callable[..., OpenAICompatibleProvider]
REQUEST = ChatRequest(model="alias", messages=[Message(role="user", content="Hi")])
WHOLE = {
    "choices": [{"message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2},
}
HELLO_EVENTS = [TextDelta("Hel"), TextDelta("lo"), UsageReported(Usage(5, 2)), Finished("stop")]


async def collect(
    provider: OpenAICompatibleProvider, request: ChatRequest = REQUEST, into: list[Event] | None = None
) -> list[Event]:
    events = [] if into is None else into
    async for each in provider.stream(request, model="m"):
        events.append(each)
    return events


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


class TestBrokenStreams:
    """What arrived is passed on, then the error says what happened."""

    @pytest.mark.parametrize("then", ["close", "reset"])
    @pytest.mark.parametrize("tail", [b"", b'data: {"choi'])
    async def test_cut(
        self, server: ReplayServer, provider: OpenAICompatibleProvider, then: Any, tail: bytes
    ) -> None:
        pieces = (*HELLO[:3], tail) if tail else HELLO[:3]
        server.reply(stream(*pieces, end=False, then=then))
        events: list[Event] = []
        with pytest.raises(StreamInterrupted, match="before the answer was complete"):
            await collect(provider, into=events)
        assert events == HELLO_EVENTS[:2]

    async def test_ended_without_its_end_mark(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        server.reply(stream(*HELLO[:3]))
        with pytest.raises(StreamInterrupted):
            await collect(provider)

    async def test_empty(self, server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
        server.reply(stream())
        with pytest.raises(StreamInterrupted):
            await collect(provider)

    async def test_silent(self, server: ReplayServer, provider_at: MakeProvider) -> None:
        server.reply(stream(*HELLO[:2], end=False, then="hang"))
        impatient = replace(custom_profile("test", server.url, label="Test"), stall_timeout=0.1)
        events: list[Event] = []
        with pytest.raises(StreamStalled, match=r"Test sent nothing for 0\.1 seconds"):
            await collect(provider_at(server.url, impatient), into=events)
        assert events == HELLO_EVENTS[:1]
        await server.until(lambda server: server.open == 0)

    async def test_an_error_event(self, server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
        failure = event({"error": {"message": "out of memory", "status_code": 500}}, name="error")
        server.reply(stream(*HELLO[:2], failure))
        with pytest.raises(ServerFailed, match="out of memory"):
            await collect(provider)

    @pytest.mark.parametrize(
        "reply",
        [
            stream(*HELLO[:4]),
            stream(*HELLO[:4], end=False, then="close"),
            stream(*HELLO[:4], end=False, then="reset"),
            stream(*HELLO[:3], HELLO[3].rstrip()),
        ],
    )
    async def test_a_finished_answer_may_lack_the_end_mark(
        self, server: ReplayServer, provider: OpenAICompatibleProvider, reply: Reply
    ) -> None:
        server.reply(reply)
        assert await collect(provider) == HELLO_EVENTS

    async def test_a_server_that_never_closes_a_finished_answer(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        server.reply(stream(*HELLO, end=False, then="hang"))
        assert await collect(provider) == HELLO_EVENTS
        await server.until(lambda server: server.open == 0)

    async def test_usage_after_the_finish_reason(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        usage = event({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}})
        server.reply(stream(*HELLO[:3], event(delta("stop")), usage, DONE))
        assert await collect(provider) == HELLO_EVENTS


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


class TestEndings:
    """However a call ends, no connection is left busy."""

    async def test_closing_the_generator(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        server.reply(stream(*HELLO[:2], end=False, then="hang"))
        events = provider.stream(REQUEST, model="m")
        assert await anext(events) == TextDelta("Hel")
        await events.aclose()
        await server.until(lambda server: server.open == 0)

    async def test_cancelling_while_waiting_for_more(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        server.reply(stream(*HELLO[:2], end=False, then="hang"))
        events = provider.stream(REQUEST, model="m")
        assert await anext(events) == TextDelta("Hel")
        task = asyncio.create_task(anext(events))
        await asyncio.sleep(0)  # it runs up to where it waits
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.until(lambda server: server.open == 0)

    async def test_cancelling_before_the_answer(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        server.reply(Reply([], then="hang"))
        task = asyncio.create_task(collect(provider))
        await server.until(lambda server: len(server.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.until(lambda server: server.open == 0)

    async def test_cancelling_while_the_last_bytes_are_awaited(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        server.reply(stream(*HELLO[:4], end=False, then="hang"))
        events = provider.stream(REQUEST, model="m")
        assert [await anext(events), await anext(events)] == HELLO_EVENTS[:2]
        task = asyncio.create_task(anext(events))
        await asyncio.sleep(0)  # it runs up to where it waits
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.until(lambda server: server.open == 0)

    async def test_stopping_at_the_last_event(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        server.reply(stream(*HELLO))
        for _ in range(3):
            async with contextlib.aclosing(provider.stream(REQUEST, model="m")) as events:
                async for each in events:
                    if isinstance(each, Finished):
                        break
        assert server.accepted == 1

    async def test_many_at_once_then_one_after_another(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        server.reply(stream(*HELLO))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(collect(provider)) for _ in range(20)]
        assert all(task.result() == HELLO_EVENTS for task in tasks)
        opened = server.accepted
        for _ in range(5):
            await collect(provider)
        assert server.accepted == opened
        await provider.aclose()
        await server.until(lambda server: server.open == 0)


class TestKeys:
    """Keys are found late, used as they are, and shown nowhere."""

    async def test_a_missing_key(self) -> None:
        with pytest.raises(CredentialsError, match="no API key for Groq") as caught:
            await collect(groq_provider)
        assert "GROQ_API_KEY" in caught.value.hint
        assert "https://console.groq.com/keys" in caught.value.hint

    async def test_key_and_address_from_the_environment(
        self, server: ReplayServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", f" {KEY}\n")
        monkeypatch.setenv("GROQ_API_URL", f"{server.url}/")
        server.reply(stream(*HELLO))
        provider = OpenAICompatibleProvider(GROQ)
        assert await collect(provider) == HELLO_EVENTS
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        await provider.aclose()

    async def test_a_refused_key_is_looked_up_again(
        self, server: ReplayServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GROQ_API_KEY", "gsk_old_key_that_was_revoked")
        provider = OpenAICompatibleProvider(GROQ, base_url=server.url)
        server.reply(answer({"error": {"message": "Invalid API Key"}}, status=401), stream(*HELLO))
        with pytest.raises(AuthenticationFailed, match="refuses the API key"):
            await collect(provider)
        monkeypatch.setenv("GROQ_API_KEY", KEY)
        assert await collect(provider) == HELLO_EVENTS
        assert server.requests[1].headers["authorization"] == f"Bearer {KEY}"
        await provider.aclose()

    @pytest.mark.parametrize("key", ["gsk_a\nb", "gsk_schlüssel", "   "])
    async def test_what_cannot_be_a_key_is_not_sent(self, server: ReplayServer, key: str) -> None:
        provider = OpenAICompatibleProvider(GROQ, api_key=key, base_url=server.url)
        with pytest.raises(CredentialsError) as caught:
            await collect(provider)
        assert "gsk_" not in str(caught.value)
        assert server.accepted == 0

    async def test_a_server_that_repeats_the_key(
        self, server: ReplayServer, provider: OpenAICompatibleProvider
    ) -> None:
        server.reply(answer({"error": {"message": f"Incorrect API key: {KEY}"}}, status=401))
        with pytest.raises(AuthenticationFailed) as caught:
            await collect(provider)
        assert KEY not in f"{caught.value} {caught.value!r} {provider!r} {vars(provider.profile.__class__)}"

    async def test_overrides(self, server: ReplayServer) -> None:
        server.reply(stream(*HELLO))
        provider = groq_provider.with_overrides("gsk_another_key_0123456789", server.url)
        assert await collect(provider) == HELLO_EVENTS
        assert provider.name == "groq"
        assert provider.with_overrides(None, None) is provider
        assert server.requests[0].headers["authorization"] == "Bearer gsk_another_key_0123456789"
        await provider.aclose()

    async def test_a_server_without_keys_gets_none(self, server: ReplayServer) -> None:
        server.reply(stream(*HELLO))
        provider = openai_compatible("mine", server.url)
        assert await collect(provider) == HELLO_EVENTS
        assert "authorization" not in server.requests[0].headers
        await provider.aclose()


async def test_the_models_a_provider_lists(server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
    groq = {
        "id": "openai/gpt-oss-20b",
        "object": "model",
        "created": 1754407957,
        "owned_by": "OpenAI",
        "active": True,
        "context_window": 131072,
        "max_completion_tokens": 65536,
    }
    llama_cpp = {"id": "m.gguf", "meta": {"n_ctx_train": 8192}}
    others = [{"id": "b", "active": False, "context_length": 4096.0}, llama_cpp]
    server.reply(answer({"object": "list", "data": [groq, *others]}))
    assert await provider.models() == [
        RemoteModel("openai/gpt-oss-20b", "OpenAI", 1754407957, True, 131072, 65536),
        RemoteModel("b", active=False, context_window=4096),
        RemoteModel("m.gguf", context_window=8192),
    ]
    assert (server.requests[0].method, server.requests[0].target) == ("GET", "/v1/models")


@pytest.mark.parametrize("body", [{}, [1], {"data": [{}]}, {"data": 3}, "<html>", "", {"data": ["x"]}])
async def test_what_is_no_list_of_models(
    server: ReplayServer, provider: OpenAICompatibleProvider, body: Any
) -> None:
    server.reply(answer(body))
    with pytest.raises(UnexpectedResponse, match="does not list its models"):
        await provider.check()


@pytest.mark.parametrize("body", [{"data": None}, {"data": []}, []])
async def test_no_models(server: ReplayServer, provider: OpenAICompatibleProvider, body: Any) -> None:
    server.reply(answer(body))
    assert await provider.check() == []


async def test_a_check_has_a_time_limit(server: ReplayServer, provider: OpenAICompatibleProvider) -> None:
    server.reply(Reply([], then="hang"))
    with pytest.raises(ProviderError, match=r"Test did not answer within 0\.1 seconds"):
        await provider.check(time_limit=0.1)
    await server.until(lambda server: server.open == 0)


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
