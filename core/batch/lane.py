"""The queue before one model: requests start in order, each as soon as the pace allows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from core.batch.pace import Pace, Start
from core.chat import RateLimits

__all__ = ("Lane",)


class Lane:
    """Waits for a `Pace`, woken by the end of a call and by nothing else but the time it named.

    Args:
        clock: monotonic seconds.

    Attributes:
        opens_at: when the next may start, on the clock; ``None`` where that depends on those under way.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.opens_at: float | None = None
        self._pace = Pace()
        self._clock = clock
        self._order = asyncio.Lock()  # the first that waits is the first that goes
        self._news = asyncio.Event()
        self._closed = False

    async def start(self, tokens: int, waits: Callable[[], None]) -> Start | None:
        """Wait until a request of so many tokens may start; ``None`` where the lane was closed.

        Args:
            tokens: its prompt and its output cap.
            waits: called whenever it has to wait.
        """
        async with self._order:
            while not self._closed:
                now = self._clock()
                seconds = self._pace.wait(tokens, now)
                if seconds is not None and seconds <= 0:
                    self.opens_at = None
                    return self._pace.start(tokens, now)
                self.opens_at = None if seconds is None else now + seconds
                waits()
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await self._news.wait()
        return None

    def answered(self, start: Start, limits: RateLimits | None, used: int | None) -> None:
        """See `Pace.answered`."""
        self._pace.answered(start, self._clock(), limits, used)
        self._news.set()

    def refused(self, start: Start, retry_after: float | None) -> None:
        """See `Pace.refused`."""
        self._pace.refused(start, self._clock(), retry_after)
        self._news.set()

    def failed(self, start: Start) -> None:
        """See `Pace.failed`."""
        self._pace.failed(start, self._clock())
        self._news.set()

    def close(self) -> None:
        """Let nothing more start."""
        self._closed = True
        self._news.set()
