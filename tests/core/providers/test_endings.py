"""However a call ends, no connection is left busy."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from core.chat import (
    Finished,
    TextDelta,
)
from core.providers import OpenAICompatibleProvider
from tests.core.providers.asking import HELLO_EVENTS, REQUEST, collect
from tests.core.providers.replay import (
    HELLO,
    ReplayServer,
    Reply,
    stream,
)


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
