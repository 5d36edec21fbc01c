"""Where a streamed body begins and ends: what it is, and what may still come once the answer is whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from core.chat import Event, Finished, UsageReported
from core.providers.answer_stream import AnswerStream

__all__ = ("ending_of", "opening_of")

_TAIL_TIMEOUT = 2.0  # for usage and the end mark, once the answer is whole
_END_TIMEOUT = 0.25  # for the end of the body, once the end mark has come
_LONGEST_OPENING = 64 * 1024


async def opening_of(chunks: AsyncGenerator[bytes]) -> bytes:
    """The body up to where its first character shows whether it is a stream."""
    opening = b""
    async for chunk in chunks:
        opening += chunk
        if opening.strip() or len(opening) > _LONGEST_OPENING:
            break
    return opening


async def ending_of(chunks: AsyncGenerator[bytes], answer: AnswerStream) -> list[Event]:
    """What follows the finish reason: usage, the end mark, and the end of the body that frees the connection.

    The answer is whole by now, so that a server that leaves any of it out is forgiven.
    """
    import httpx

    events: list[Event] = []
    clock = asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(_END_TIMEOUT if answer.done else _TAIL_TIMEOUT) as limit:
            async for chunk in chunks:
                events += answer.feed(chunk)
                if answer.done:
                    limit.reschedule(clock() + _END_TIMEOUT)
            events += answer.close()
    except (httpx.HTTPError, TimeoutError):
        pass
    if answer.usage is not None:
        events.append(UsageReported(answer.usage))
    assert answer.finish_reason is not None
    events.append(Finished(answer.finish_reason))
    return events
