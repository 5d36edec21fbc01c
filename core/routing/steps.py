"""What an itinerary says to do next."""

from __future__ import annotations

from dataclasses import dataclass

from core.chat import CallRole, RouteChanged
from core.routing.candidate import Candidate
from core.routing.limits.queue import Place

__all__ = ("Attempt", "CallIn", "Step", "Wait")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Call this now. ``change`` is what to tell the user where it is not where the last try went."""

    candidate: Candidate
    reason: str
    change: RouteChanged | None = None
    role: CallRole = "first"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is ready: sleep ``seconds``, then ask again; in ``place`` where a limit has no room.

    ``label`` is the provider that is waited for; ``predicted`` where a limit is all that it is for.
    """

    seconds: float
    reason: str
    label: str
    place: Place | None = None
    predicted: bool = False


@dataclass(frozen=True, slots=True)
class CallIn:
    """The network is gone: `Itinerary.reinforce` with the reserve, then ask again."""


Step = Attempt | Wait | CallIn
