"""A question, the answers that servers give, and what a provider makes of them."""

from __future__ import annotations

from collections.abc import Callable

from core.chat import (
    ChatRequest,
    Event,
    Finished,
    Message,
    TextDelta,
    Usage,
    UsageReported,
)
from core.providers import OpenAICompatibleProvider

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
