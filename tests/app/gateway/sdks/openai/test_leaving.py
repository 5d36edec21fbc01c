"""A call ends when OpenAI's own client waits no longer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.app.gateway.conftest import HELLO, MODEL, Gateway
from tests.app.gateway.sdks.conftest import (
    ended,
)
from tests.app.gateway.sdks.openai.conftest import asynchronous


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_waits_no_longer_ends_the_call(
    openai: Any, served: Gateway, client: Any, stream: bool
) -> None:
    served.simulator.configure(first_token_ms=60_000)
    named = {"X-Request-ID": f"openai-timeout-{stream}"}
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(
            model=MODEL, messages=HELLO, stream=stream, extra_headers=named
        )
    assert ended(served) == "disconnected"
    (row,) = served.rows(named["X-Request-ID"])
    assert row["outcome"] == "cancelled"


def test_a_closed_stream_ends_the_call(served: Gateway, client: Any) -> None:
    served.simulator.configure(tokens_per_second=50, content="markdown", tokens=4000, reasoning="")
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    assert next(iter(stream)).choices
    stream.close()
    assert ended(served) == "disconnected"


async def test_a_cancelled_task_ends_the_call(openai: Any, served: Gateway) -> None:
    served.simulator.configure(tokens_per_second=50, content="markdown", tokens=4000, reasoning="")
    begun = asyncio.Event()

    async def listen() -> None:
        async with asynchronous(openai, served) as client:
            async for _ in await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True):
                begun.set()

    listening = asyncio.create_task(listen())
    await begun.wait()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert ended(served) == "disconnected"
