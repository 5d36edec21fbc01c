"""Who begins the answer: one call, or two side by side of which the first one with content wins."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Protocol

from core.chat import Event, Finished, OutputCapped, RouteChanged
from core.errors import CredentialsError, ProviderError
from core.routing.running_call import RunningCall

__all__ = ("FirstContent", "Hedge")


class Hedge(Protocol):
    """A second call that may be made."""

    @property
    def delay(self) -> float:
        """Seconds after which it is."""

    async def start(self) -> tuple[RunningCall, OutputCapped | None] | None:
        """Make it; ``None`` where nobody else can take it, or there is no money or room for it."""

    def failed(self, call: RunningCall, error: ProviderError | CredentialsError) -> None:
        """One of two calls failed, and the other goes on."""


@dataclass(slots=True, eq=False)
class _Reading:
    """One call while it is read up to its first content."""

    call: RunningCall
    upstream: AsyncGenerator[Event]
    capped: OutputCapped | None = None
    events: deque[Event] = field(default_factory=deque)
    finished: Finished | None = None
    error: ProviderError | CredentialsError | None = None
    task: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        """Close the upstream call, whoever reads it."""
        if self.task is not None and not self.task.done():
            self.task.cancel()
            await asyncio.wait([self.task])
        await self.upstream.aclose()


class FirstContent:
    """Reads up to the first content, whosever it is; what comes after is read from ``upstream`` itself.

    Meanwhile the first call's reasoning is passed on, and the hedge's waits. When the hedge wins, or the
    first call fails while it is out, that is told and the hedge's own events follow from their start.

    Args:
        call: the call that has been started.
        upstream: its events.
        hedge: the second call, where there may be one.
    """

    def __init__(self, call: RunningCall, upstream: AsyncGenerator[Event], hedge: Hedge | None) -> None:
        self._leader = _Reading(call, upstream)
        self._rival: _Reading | None = None
        self._winner: _Reading | None = None
        self._hedge = hedge
        self._hedging: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._told: deque[Event] = deque()

    @property
    def call(self) -> RunningCall:
        """Whose events are passed on."""
        return self._leader.call

    @property
    def upstream(self) -> AsyncGenerator[Event]:
        """The rest of its events."""
        return self._leader.upstream

    @property
    def finished(self) -> Finished | None:
        """How the answer ended, where it did without any content."""
        return self._leader.finished

    async def next(self) -> Event | None:
        """The next event to pass on; ``None`` once the first content has been.

        Raises:
            ProviderError: the only call that was left failed; `call` names it.
            CredentialsError: likewise.
        """
        if self._leader.task is None:
            self._begin()
        while True:
            if self._told:
                return self._told.popleft()
            if self._winner is not None:
                await self._end_hedging()
            if self._winner is not None and self._winner is not self._leader:
                await self._follow(self._winner, "was slow to begin")
            elif self._leader.events:
                if self._winner is not None:
                    await self._drop_rival()
                return self._leader.events.popleft()
            elif self._winner is not None:
                return None
            elif self._leader.error is not None:
                await self._replace(self._leader.error)
            elif self._rival is not None and self._rival.error is not None:
                await self._drop_rival()
            else:
                await self._wait()

    async def aclose(self) -> None:
        """Close every call; the hedge that is not passed on is booked as given up."""
        try:
            await self._end_hedging()
            await self._drop_rival()
        finally:
            await self._leader.aclose()

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to look out for."""
        return self._hedge is not None

    def _begin(self) -> None:
        self._leader.task = asyncio.create_task(self._read(self._leader), name="read up to the first content")
        if self._hedge is not None:
            self._hedging = asyncio.create_task(self._start_hedge(self._hedge), name="hedge")

    async def _start_hedge(self, hedge: Hedge) -> None:
        await asyncio.sleep(hedge.delay)
        if (started := await hedge.start()) is not None:
            call, capped = started
            self._rival = _Reading(call, call.open(), capped)
            self._rival.task = asyncio.create_task(self._read(self._rival), name="read the hedge")

    async def _end_hedging(self) -> None:
        """Start no hedge any more; one that is out already stays."""
        if self._hedging is not None and not self._hedging.done():
            self._hedging.cancel()
            await asyncio.wait([self._hedging])

    async def _read(self, reading: _Reading) -> None:
        """Read one call until it has begun its answer, or will not; then it is left where it is."""
        try:
            async for event in reading.upstream:
                reading.finished = reading.call.take(event)
                if reading.finished is None:
                    reading.events.append(event)
                if reading.call.answering or reading.finished is not None:
                    self._winner = self._winner or reading
                    return
                self._changed.set()
            reading.error = reading.call.cut_short()
        except (ProviderError, CredentialsError) as error:
            reading.error = error
        finally:
            self._changed.set()

    async def _wait(self) -> None:
        self._changed.clear()
        for task in (self._leader.task, self._rival.task if self._rival else None, self._hedging):
            if task is not None and task.done() and not task.cancelled() and (broken := task.exception()):
                raise broken  # a defect, and no failure of a provider
        await self._changed.wait()

    async def _replace(self, error: ProviderError | CredentialsError) -> None:
        """The first call failed: the hedge takes its place, where it is out."""
        rival = self._rival
        if rival is None or rival.error is not None:
            await self._end_hedging()
            if self._rival is not None:  # it went out just now
                return
            raise error
        await self._follow(rival, "failed", error)

    async def _follow(
        self, rival: _Reading, why: str, error: ProviderError | CredentialsError | None = None
    ) -> None:
        """Leave the first call for the hedge, and tell."""
        left, self._leader, self._rival = self._leader, rival, None
        try:
            await left.aclose()
        finally:
            self._end(left, error or left.error)
        one, other = left.call.candidate, rival.call.candidate
        told = f"{one.label} {why}; using {other.model} at {other.label}"
        self._told.append(RouteChanged(one.provider.name, one.model, other.provider.name, other.model, told))
        self._told.append(rival.call.chosen())
        if rival.capped is not None:
            self._told.append(rival.capped)

    async def _drop_rival(self) -> None:
        rival, self._rival = self._rival, None
        if rival is None:
            return
        try:
            await rival.aclose()
        finally:
            self._end(rival, rival.error)

    def _end(self, reading: _Reading, error: ProviderError | CredentialsError | None) -> None:
        """Book a call that is not passed on."""
        if error is None:
            reading.call.beaten()
        else:
            reading.call.failed(error)
            assert self._hedge is not None
            self._hedge.failed(reading.call, error)
