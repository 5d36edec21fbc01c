"""Sleeping until a route is ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from core.chat import Decision
from core.routing.limits.queue import wait_in_queue
from core.routing.steps import Wait

__all__ = ("Sleep", "rest")

Sleep = Callable[[float], Awaitable[object]]


async def rest(wait: Wait, decision: Decision, clock: Callable[[], float], sleep: Sleep) -> None:
    """Sleep until a route is ready, and record for how long."""
    began = clock()
    try:
        if wait.place is None:
            await sleep(wait.seconds)
        else:
            await wait_in_queue(wait.place, wait.seconds, clock, sleep)
    finally:
        decision.waited += clock() - began
