"""TensorWall's router beside bare httpx, turn by turn in one process."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from measure import Stream, run

from core.chat import ChatRequest, Message, TextDelta
from core.providers import groq_provider
from core.routing import LLMRouter, LoadBalanceStrategy, RouteEndpoint

MODEL = "openai/gpt-oss-120b"


def bare(client: httpx.AsyncClient, base_url: str) -> Stream:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello!"}], "stream": True}

    async def stream() -> AsyncIterator[object]:
        async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: {"):
                    yield json.loads(line[6:])["choices"][0]["delta"].get("content")

    return stream


def routed(router: LLMRouter) -> Stream:
    request = ChatRequest(model="bench", messages=[Message(role="user", content="Hello!")])

    async def stream() -> AsyncIterator[object]:
        async for event in router.stream(request):
            if type(event) is TextDelta:
                yield event.text

    return stream


@asynccontextmanager
async def clients(base_url: str) -> AsyncIterator[dict[str, Stream]]:
    router = LLMRouter(strategy=LoadBalanceStrategy.LEAST_LATENCY)
    router.add_route(
        "bench", [RouteEndpoint(provider=groq_provider, model=MODEL, api_key="gsk_bench", base_url=base_url)]
    )
    async with httpx.AsyncClient() as client:
        yield {"httpx": bare(client, base_url), "tensorwall": routed(router)}
    await router.aclose()


run(clients)
