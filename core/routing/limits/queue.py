"""Waiting for room in a route's limits: until the time that was predicted, or until room is given back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from core.routing.limits.admission import NO_WAIT
from core.routing.limits.allowance import Allowance

__all__ = ("Place", "Turns", "wait_in_queue")

_LOOK = 0.25
"""Seconds between two looks at what other processes have given back: a file wakes nobody."""


class Turns:
    """Whose turn it is: whoever asked first. Comparable with the turns of other processes, and never alike.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = -math.inf

    def next(self) -> float:
        """The turn of whoever asks now."""
        self._last = max(self._clock(), math.nextafter(self._last, math.inf))
        return self._last


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the queue before a route.

    Attributes:
        turn: whoever has a lower one goes first.
        tokens: what is waited for.
    """

    allowance: Allowance
    turn: float
    tokens: float


async def wait_in_queue(
    place: Place, seconds: float, clock: Callable[[], float], sleep: Callable[[float], Awaitable[object]]
) -> None:
    """Sleep ``seconds``, or less where a call gives back what it did not use.

    Where other processes use the same limits, they are told who waits, and what they give back is seen.
    """
    allowance, news = place.allowance, asyncio.Event()
    allowance.join(place.turn, place.tokens, news.set)
    told = asyncio.ensure_future(news.wait())
    try:
        allowance.announce(clock())
        while seconds > 0 and not news.is_set():
            pause = min(seconds, _LOOK) if allowance.is_shared else seconds
            sleeping = asyncio.ensure_future(sleep(pause))
            try:
                await asyncio.wait((sleeping, told), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeping.cancel()
            seconds -= pause
            if allowance.is_shared and _has_room(place, clock()):
                break
    finally:
        told.cancel()
        allowance.leave(place.turn, news.set)
        if not allowance.is_waited_for:  # otherwise whoever waits will say so
            allowance.announce(clock())


def _has_room(place: Place, now: float) -> bool:
    place.allowance.announce(now)
    place.allowance.catch_up(now)
    return place.allowance.room(place.tokens, now, place.turn).wait <= NO_WAIT
