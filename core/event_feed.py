"""Events of work that goes on at its own pace, for one consumer that may stop it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Self

from core.chat import Event
from core.errors import TensorWallError

__all__ = ("EventFeed",)


class EventFeed:
    """Runs the work as a task of its own and gives what that puts in; the work never waits for who reads.

    Iterate it, in one task, once it has begun. Iterating ends after the last event, with the error that
    the work failed with, where it did; that is told once.

    Args:
        name: of the task.

    Attributes:
        error: why the work failed; ``None`` while all is well.
    """

    def __init__(self, name: str) -> None:
        self.error: TensorWallError | None = None
        self._name = name
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._begun = False
        self._closed = False
        self._stoppable = True
        self._told = False

    @property
    def begun(self) -> bool:
        """Whether the work has taken its first step; not so where it was stopped before."""
        return self._begun

    def begin(self, work: Callable[[], Awaitable[None]], finish: Callable[[], Awaitable[None]]) -> None:
        """Start the work, once; does nothing where it was stopped before.

        Args:
            work: puts the events in; is cancelled to stop it.
            finish: what is left to do afterwards, however that ended; it is never stopped, and not called
                where the work was stopped before its first step.
        """
        if self._closed or self._task is not None:
            return
        self._task = asyncio.create_task(self._run(work, finish), name=self._name)
        self._task.add_done_callback(lambda _: self._arrived.set())

    def put(self, event: Event) -> None:
        """Let the consumer have an event."""
        self._events.append(event)
        self._arrived.set()

    async def aclose(self) -> None:
        """Stop the work, from any task; returns when it has finished. Events that wait may still be read."""
        self._closed = True
        if self._task is None:
            return
        if self._stoppable:
            self._stoppable = False
            self._task.cancel()
        await asyncio.wait([self._task])

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._task is None or self._task.done():
                raise self._end()
            self._arrived.clear()
            await self._arrived.wait()
        return self._events.popleft()

    def _end(self) -> BaseException:
        """Why there is no further event."""
        if self._task is not None and not self._told and not self._task.cancelled():
            self._told = True
            return self.error or self._task.exception() or StopAsyncIteration()
        return StopAsyncIteration()

    async def _run(self, work: Callable[[], Awaitable[None]], finish: Callable[[], Awaitable[None]]) -> None:
        self._begun = True
        try:
            await work()
        except TensorWallError as error:
            self.error = error
        finally:
            self._stoppable = False
            await finish()
