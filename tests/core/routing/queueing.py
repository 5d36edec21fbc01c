"""Providers whose calls wait in a queue, in the virtual time of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random

from core.chat import Event, Finished, TextDelta
from core.routing import HedgePolicy, LLMRouter, RouteEndpoint
from tests.core.routing.queue_times import QUEUE_TIMES
from tests.core.routing.scripted import Act, Observed, ScriptedProvider, VirtualTime, request

__all__ = ("BESIDES_QUEUE", "LoopTime", "Paced", "Session", "first_content_times", "percentile")

BESIDES_QUEUE = 0.15
"""Seconds to the first content besides the queue: network, prompt, first tokens."""
_THINKING = 30.0


class LoopTime(VirtualTime):
    """The event loop's own clock."""

    def clock(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(seconds)


class Paced(ScriptedProvider):
    """Follows its scripts in the loop's time; without one, what ``wait`` says comes before the answer."""

    wait: Callable[[], float] | None = None

    def _next_script(self) -> tuple[Act, ...]:
        if self.wait is None or self.scripts:
            return super()._next_script()
        return (self.wait() + BESIDES_QUEUE, TextDelta("Hello"), Finished("stop"))

    async def _spend(self, act: Act | Event) -> None:
        if isinstance(act, float) and act != float("inf"):
            await asyncio.sleep(act)
        else:
            await super()._spend(act)


class Session:
    """A router over two paced providers of one tier's order."""

    def __init__(self, hedging: HedgePolicy | None = None, *, observed: Observed | None) -> None:
        self.time = LoopTime()
        self.observed = observed or Observed()
        self.router = LLMRouter(
            clock=self.time.clock,
            sleep=self.time.sleep,
            random=Random(0),
            observer=observed,
            hedging=hedging,
        )
        self.first, self.second = Paced("groq", self.time), Paced("openai", self.time)
        endpoints = [RouteEndpoint(provider=self.first), RouteEndpoint(provider=self.second, priority=1)]
        self.router.add_route("m", endpoints)

    async def ask(self) -> float:
        """One answer; seconds to its first content."""
        began, first = self.time.clock(), 0.0
        async for event in self.router.stream(request()):
            if type(event) is TextDelta and not first:
                first = self.time.clock() - began
        return first


async def first_content_times(count: int, seed: int, hedging: HedgePolicy) -> tuple[list[float], int]:
    """The times of so many requests by a person who thinks between them, and how many calls they took."""
    rng = Random(seed)
    session = Session(hedging, observed=None)
    session.first.wait = session.second.wait = lambda: rng.choice(QUEUE_TIMES)
    times = []
    for _ in range(count):
        times.append(await session.ask())
        await asyncio.sleep(_THINKING)
    assert session.first.open == session.second.open == 0
    return times, len(session.first.asked) + len(session.second.asked)


def percentile(times: list[float], share: float) -> float:
    """By nearest rank."""
    return sorted(times)[max(0, -(-int(share * 1000) * len(times) // 1000) - 1)]
