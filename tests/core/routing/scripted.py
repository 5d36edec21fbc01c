"""Virtual time and providers that follow a script, for testing policy without a network or a pause."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from dataclasses import dataclass, field

from core.chat import (
    CallOutcome,
    ChatRequest,
    ChatResponse,
    Event,
    Finished,
    Message,
    TextDelta,
    UpstreamCall,
    Usage,
    UsageReported,
)
from core.errors import RateLimited
from core.providers import ProviderProfile, RemoteModel, Warmth

Act = float | Event | BaseException
"""Seconds to let pass, an event to yield, or an error to raise."""

ANSWER: tuple[Act, ...] = (
    0.1,
    TextDelta("Hello"),
    TextDelta(" world"),
    UsageReported(Usage(prompt_tokens=1_000_000, completion_tokens=1_000_000)),
    Finished("stop"),
)
HANG = float("inf")


def request(model: str = "m", **fields: object) -> ChatRequest:
    return ChatRequest(model=model, messages=[Message(role="user", content="Hello!")], **fields)


def rate_limited(retry_after: float | None) -> RateLimited:
    error = RateLimited("Too many requests.", provider="groq", status=429)
    error.retry_after = retry_after
    return error


@dataclass
class VirtualTime:
    """A clock that moves only when someone sleeps, by exactly that much."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class ScriptedProvider:
    """Follows one script a call; when they are used up it follows ``always``."""

    def __init__(
        self,
        name: str,
        time: VirtualTime,
        scripts: Iterable[Iterable[Act]] = (),
        *,
        always: Iterable[Act] = ANSWER,
        default_output_cap: int | None = None,
    ) -> None:
        self.name = name
        self.profile = ProviderProfile(
            name=name,
            label=name.title(),
            base_url="http://127.0.0.1:1",
            default_output_cap=default_output_cap,
        )
        self.time = time
        self.scripts = [tuple(script) for script in scripts]
        self.always = tuple(always)
        self.asked: list[tuple[str, ChatRequest]] = []
        self.overrides: tuple[str | None, str | None] = (None, None)
        self.open = 0
        self.hanging = asyncio.Event()
        self.ended = asyncio.Event()
        self.warmed = self.closed = 0

    def with_overrides(self, api_key: str | None, base_url: str | None) -> ScriptedProvider:
        other = ScriptedProvider(self.name, self.time, self.scripts, always=self.always)
        other.overrides = (api_key, base_url)
        return other

    @property
    def models_asked(self) -> list[str]:
        return [model for model, _ in self.asked]

    async def stream(self, request: ChatRequest, *, model: str) -> AsyncGenerator[Event]:
        self.asked.append((model, request))
        self.open += 1
        try:
            for act in self._next_script():
                await self._spend(act)
                if isinstance(act, BaseException):
                    raise act
                if not isinstance(act, float):
                    yield act
        finally:
            self.open -= 1
            self.ended.set()

    async def complete(self, request: ChatRequest, *, model: str) -> ChatResponse:
        self.asked.append((model, request))
        response = ChatResponse("", self.name, model, "stop")
        for act in self._next_script():
            await self._spend(act)
            match act:
                case BaseException():
                    raise act
                case TextDelta(text):
                    response.text += text
                case UsageReported(usage):
                    response.usage = usage
                case Finished(reason):
                    response.finish_reason = reason
        return response

    async def models(self) -> list[RemoteModel]:
        return []

    async def check(self) -> list[RemoteModel]:
        return []

    async def warm(self) -> bool:
        self.warmed += 1
        return True

    @property
    def warmth(self) -> Warmth:
        return Warmth(self.open, 0)

    async def aclose(self) -> None:
        self.closed += 1

    def _next_script(self) -> tuple[Act, ...]:
        return self.scripts.pop(0) if self.scripts else self.always

    async def _spend(self, act: Act) -> None:
        if act == HANG:
            self.hanging.set()
            await asyncio.Event().wait()
        elif isinstance(act, float):
            self.time.now += act


@dataclass
class Observed:
    """An observer that checks the protocol: each call starts once and then ends once."""

    started: list[UpstreamCall] = field(default_factory=list)
    ended: list[UpstreamCall] = field(default_factory=list)

    def call_started(self, call: UpstreamCall) -> None:
        assert call.outcome == "running"
        assert call not in self.started
        self.started.append(call)

    def call_ended(self, call: UpstreamCall) -> None:
        assert call.outcome != "running"
        assert call in self.started
        assert call not in self.ended
        assert call.duration is not None
        self.ended.append(call)

    @property
    def outcomes(self) -> list[CallOutcome]:
        return [call.outcome for call in self.ended]


async def collect(answer: AsyncIterable[Event], seen: list[Event]) -> None:
    """Append the events to ``seen``, so that they are there when the stream raises."""
    async for event in answer:
        seen.append(event)  # noqa: PERF401 - a comprehension would keep none of them


def text_of(events: Iterable[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))
