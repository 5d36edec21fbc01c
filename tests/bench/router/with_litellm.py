"""LiteLLM's router, latency strategy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litellm import Router
from measure import Stream, run


@asynccontextmanager
async def clients(base_url: str) -> AsyncIterator[dict[str, Stream]]:
    parameters = {"model": "groq/openai/gpt-oss-120b", "api_key": "gsk_bench", "api_base": base_url}
    router = Router(
        model_list=[{"model_name": "bench", "litellm_params": parameters}],
        routing_strategy="latency-based-routing",
    )

    async def stream() -> AsyncIterator[object]:
        chunks = await router.acompletion(
            model="bench", messages=[{"role": "user", "content": "Hello!"}], stream=True
        )
        async for chunk in chunks:
            yield chunk.choices[0].delta.content

    yield {"litellm": stream}


run(clients)
