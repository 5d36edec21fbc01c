"""Half an hour with a provider as strict as Groq's free tier, in virtual time: who asks, and who answers.

The provider's limits are the simulator's own (`app.simulator.limits`) on the virtual clock, its refusals
worded and read as over HTTP. What a prompt really is differs from every estimate by up to 13 %.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from app.simulator.errors import ApiError
from app.simulator.limits import ModelLimits, Reservation
from app.simulator.options import Limits
from core.batch.lane import Lane
from core.batch.run import ROUTER_RETRIES
from core.chat import (
    ChatRequest,
    ChatResponse,
    Event,
    Finished,
    LimitsReported,
    Message,
    TextDelta,
    Usage,
    UsageReported,
)
from core.costs.tokens import at_most, estimate_prompt_tokens
from core.errors import AllRoutesFailed, RateLimited
from core.providers import RemoteModel, Warmth
from core.providers.limit_headers import rate_limits
from core.providers.profiles import GROQ
from core.providers.response_errors import response_error
from core.providers.upstream import Upstream
from core.routing import LLMRouter, RouteEndpoint
from core.routing.limits.files import LimitFiles
from tests.core.routing.virtual_loop import run_virtually

MODEL = "openai/gpt-oss-20b"
FREE = Limits(requests_per_minute=30, requests_per_day=1_000, tokens_per_minute=8_000, tokens_per_day=200_000)
HALF_AN_HOUR = 1_800.0


class StrictGroq:
    """Answers in virtual time, under limits.

    Attributes:
        refused: the statuses of the calls it refused.
        tokens: used by all others, of which none came from a cache.
        calls: that it answered.
    """

    name = "groq"
    profile = GROQ
    account = "org_1"

    def __init__(self, limits: Limits, rng: Random) -> None:
        self.refused: list[int] = []
        self.tokens = self.calls = 0
        self._clock = asyncio.get_running_loop().time
        self._limits = ModelLimits(limits, self._clock, organization="org_1", model=MODEL)
        self._rng = rng
        self._upstream = Upstream(GROQ, GROQ.base_url, model=MODEL)

    def with_overrides(self, api_key: str | None, base_url: str | None) -> StrictGroq:
        return self

    async def stream(self, request: ChatRequest, *, model: str) -> AsyncGenerator[Event]:
        call = await self._admitted(request, model)
        yield LimitsReported(call.limits)
        try:
            await asyncio.sleep(self._rng.lognormvariate(-2.3, 0.8))
            for _ in range(4):
                yield TextDelta("word " * (call.written // 4))
                await asyncio.sleep(call.written / 4 / 500)
        finally:
            self._settle(call)
        await self._travel()
        yield UsageReported(call.usage)
        yield Finished("stop")

    async def complete(self, request: ChatRequest, *, model: str) -> ChatResponse:
        call = await self._admitted(request, model)
        await asyncio.sleep(self._rng.lognormvariate(-2.3, 0.8) + call.written / 500)
        self._settle(call)
        await self._travel()
        return ChatResponse("word", "groq", model, "stop", usage=call.usage, limits=call.limits)

    async def models(self) -> list[RemoteModel]:
        return []

    async def check(self) -> list[RemoteModel]:
        return []

    async def warm(self) -> bool:
        return True

    @property
    def warmth(self) -> Warmth:
        return Warmth()

    async def aclose(self) -> None:
        pass

    async def _admitted(self, request: ChatRequest, model: str) -> _Call:
        await self._travel()
        prompt = int(estimate_prompt_tokens(request) * self._rng.uniform(0.87, 1.13))
        cap = GROQ.output_cap(request, model)
        assert cap is not None
        try:
            reservation = self._limits.admit(prompt + cap)
        except ApiError as error:
            self.refused.append(error.status)
            body = json.dumps(error.body).encode()
            raise response_error(self._upstream, error.status, error.headers, body) from None
        headers = self._limits.headers()
        await self._travel()
        written = min(cap, int(request.messages[-1].name or "100"))
        limits = rate_limits(headers)
        assert limits is not None
        return _Call(reservation, Usage(prompt, written), limits, written)

    def _settle(self, call: _Call) -> None:
        self._limits.settle(call.reservation, call.usage.total_tokens)
        self.tokens += call.usage.total_tokens
        self.calls += 1

    async def _travel(self) -> None:
        await asyncio.sleep(self._rng.uniform(0.01, 0.12))


@dataclass(frozen=True, slots=True)
class _Call:
    reservation: Reservation
    usage: Usage
    limits: object
    written: int


@dataclass(slots=True)
class Session:
    """What came of one session.

    Attributes:
        used: the part of the scarcest limit that was used, from 0 to 1.
        waits: seconds that answers were kept waiting for room.
    """

    refused: list[int]
    calls: int
    used: float
    waits: list[float] = field(default_factory=list)


def question(prompt: int, answer: int) -> ChatRequest:
    """About so many tokens of prompt; the provider writes ``answer`` tokens, if it may."""
    message = Message(role="user", content="word " * max(1, prompt - 12), name=str(answer))
    return ChatRequest(model=MODEL, messages=[message])


Person = Callable[[LLMRouter, Random, "Session"], Coroutine[None, None, None]]


async def _ask(router: LLMRouter, request: ChatRequest, session: Session, *, whole: bool = False) -> None:
    """Ask until it is answered; what is said to have no room is asked again when told."""
    while True:
        try:
            if whole:
                decision = (await router.chat(request)).decision
            else:
                stream = router.stream(request)
                async for _ in stream:
                    pass
                decision = stream.decision
        except AllRoutesFailed as failure:
            (cause,) = failure.causes
            if failure.decision.calls or not isinstance(cause, RateLimited) or not cause.retry_after:
                raise  # it should not even have been sent
            await asyncio.sleep(cause.retry_after)
        else:
            assert decision is not None
            session.waits.append(decision.waited)
            return


async def talker(router: LLMRouter, rng: Random, session: Session) -> None:
    """Writes, reads, and writes again, with all of the conversation each time."""
    prompt = 300.0
    while True:
        await asyncio.sleep(rng.expovariate(1 / 20))
        answer = int(rng.lognormvariate(5.3, 0.7))
        await _ask(router, question(int(prompt), answer), session)
        prompt = min(3_000.0, prompt + answer + 60)


async def speaker(router: LLMRouter, rng: Random, session: Session) -> None:
    """Speaks and is answered in a sentence or two."""
    prompt = 200.0
    while True:
        await asyncio.sleep(rng.uniform(3, 8))
        await _ask(router, question(int(prompt), rng.randint(20, 90)), session)
        prompt = min(1_500.0, prompt + 70)


async def worker(router: LLMRouter, rng: Random, session: Session) -> None:
    """A program that asks for one thing after the other, as fast as it is answered."""
    while True:
        await _ask(
            router, question(rng.randint(100, 3_500), rng.randint(20, 900)), session, whole=rng.random() < 0.5
        )


async def poller(router: LLMRouter, rng: Random, session: Session) -> None:
    """As `worker`, with many small questions: it is their number that is limited."""
    while True:
        await _ask(router, question(rng.randint(20, 60), rng.randint(1, 30)), session, whole=True)


async def batch(router: LLMRouter, rng: Random, session: Session) -> None:
    """As `tensorwall batch` does, with sixteen requests at once at most."""
    lane = Lane(asyncio.get_running_loop().time)

    async def lines() -> None:
        while True:
            request = question(rng.randint(50, 900), rng.randint(20, 400))
            request = request.model_copy(update={"max_completion_tokens": rng.randint(200, 1_500)})
            assert request.max_completion_tokens is not None
            tokens = at_most(estimate_prompt_tokens(request)) + request.max_completion_tokens
            start = await lane.start(tokens, lambda: None)
            assert start is not None
            response = await router.chat(request)
            assert response.usage is not None
            lane.answered(start, response.limits, response.usage.total_tokens)

    async with asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(lines())


PATTERNS: dict[str, list[Person]] = {
    "one who writes": [talker],
    "one who speaks": [speaker],
    "a program": [worker],
    "four programs": [worker] * 4,
    "a batch": [batch],
    "many small questions": [poller] * 6,
    "all of them": [talker, speaker, worker, worker, poller, poller],
}
"""Who asks."""


def play(
    pattern: str,
    seed: int,
    limits: Limits = FREE,
    seconds: float = HALF_AN_HOUR,
    apart: Path | None = None,
) -> Session:
    """One session, in well under a second; with each in a process of its own that meet in ``apart``."""
    return run_virtually(_play(PATTERNS[pattern], Random(seed), limits, seconds, apart))


async def _play(
    people: list[Person], rng: Random, limits: Limits, seconds: float, apart: Path | None
) -> Session:
    provider = StrictGroq(limits, rng)
    session = Session([], 0, 0.0)
    routers = [_router(provider, rng, people, process, apart) for process in range(len(people))]
    asked = routers if apart else [routers[0]] * len(people)
    tasks = [
        asyncio.ensure_future(person(router, rng, session))
        for person, router in zip(people, asked, strict=True)
    ]
    done, _ = await asyncio.wait(tasks, timeout=seconds)
    session.refused, session.calls = provider.refused, provider.calls
    session.used = max(
        used / (size * (1 + seconds / period))
        for used, size, period in (
            (provider.tokens, limits.tokens_per_minute, 60),
            (provider.tokens, limits.tokens_per_day, 86_400),
            (provider.calls, limits.requests_per_minute, 60),
            (provider.calls, limits.requests_per_day, 86_400),
        )
        if size
    )
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in done:
        task.result()
    return session


def _router(
    provider: StrictGroq, rng: Random, people: list[Person], process: int, apart: Path | None
) -> LLMRouter:
    clock = asyncio.get_running_loop().time
    patience = ROUTER_RETRIES if people == [batch] else None
    files = (
        LimitFiles(apart, clock=clock, wall=clock, is_alive=lambda _: True, process=process + 1)
        if apart
        else None
    )
    router = LLMRouter(
        clock=clock, random=rng, retry=patience, shared_limits=None if files is None else files.of
    )
    router.add_route("*", [RouteEndpoint(provider=provider)])
    return router
