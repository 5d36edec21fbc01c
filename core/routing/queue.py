"""Waiting for room in a route's limits: until the time that was predicted, or until room is given back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.routing.limits import Allowance

__all__ = ("Place", "wait_in_queue")


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue before a route.

    Attributes:
        turn: whoever has a lower one goes first.
        tokens: what is waited for.
    """

    allowance: Allowance
    turn: int
    tokens: float


async def wait_in_queue(place: Place, seconds: float, sleep: Callable[[float], Awaitable[object]]) -> None:
    """Sleep ``seconds``, or less where a call gives back what it did not use."""
    news = asyncio.Event()
    place.allowance.join(place.turn, place.tokens, news.set)
    waiting = {asyncio.ensure_future(sleep(seconds)), asyncio.ensure_future(news.wait())}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        place.allowance.leave(place.turn, news.set)
        for task in waiting:
            task.cancel()
