"""Streams that break, fall silent or are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.chat import (
    Event,
)
from core.errors import (
    ServerFailed,
    StreamInterrupted,
    StreamStalled,
)
from core.providers import OpenAICompatibleProvider
from core.providers.profiles import custom_profile
from tests.core.providers.asking import HELLO_EVENTS, MakeProvider, collect
from tests.core.providers.replay import (
    DONE,
    HELLO,
    ReplayServer,
    Reply,
    delta,
    event,
    stream,
)


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
