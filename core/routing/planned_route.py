"""Where a request would be sent, to be shown before it is."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from core.routing.candidate import Candidate

__all__ = ("PlannedRoute", "planned_route")


@dataclass(frozen=True, slots=True)
class PlannedRoute:
    """Where a request would be sent.

    Attributes:
        model: the provider's own id.
        reason: why it has its place.
        output_cap: the tokens its answer may have at most; ``None`` where no cap would be sent.
        label: the provider's name for people.
        ready_in: seconds until it would be asked; 0 where that is now, infinite where it never would be.
    """

    provider: str
    model: str
    reason: str
    output_cap: int | None
    label: str = ""
    ready_in: float = 0.0


def planned_route(candidate: Candidate, now: float) -> PlannedRoute:
    """What would be asked of a candidate, at ``now`` on the clock of its health."""
    fit = candidate.fit(now)
    return PlannedRoute(
        candidate.provider.name,
        candidate.model,
        candidate.reason,
        candidate.size().cap if fit.never else fit.cap,
        label=candidate.label,
        ready_in=inf if fit.never else max(0.0, candidate.health.busy_until - now, fit.room.wait),
    )
