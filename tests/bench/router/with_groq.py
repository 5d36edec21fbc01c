"""The ``groq`` SDK."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from groq import AsyncGroq
from measure import Stream, run


@asynccontextmanager
async def clients(base_url: str) -> AsyncIterator[dict[str, Stream]]:
    async with AsyncGroq(api_key="gsk_bench", base_url=base_url.removesuffix("/openai/v1")) as client:

        async def stream() -> AsyncIterator[object]:
            chunks = await client.chat.completions.create(
                model="openai/gpt-oss-120b", messages=[{"role": "user", "content": "Hello!"}], stream=True
            )
            async for chunk in chunks:
                yield chunk.choices[0].delta.content

        yield {"groq": stream}


run(clients)
