"""How a route stands: its health, its last calls, and its place for the next request. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.chat import SkippedRoute
from core.review import RouteRecord
from core.routing import PlannedRoute, RouteHealth

__all__ = ("Standing", "standings")

_SOON = 0.05
"""Seconds; what is ready by then is called ready."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One model at one provider.

    Attributes:
        patterns: the routes it belongs to.
        record: its last calls; ``None`` where the ledger has none.
        place: among those that the next request would be sent to, from 1; ``None`` where it is none of them.
        reason: why it has that place.
        skipped: why it would be left out for now; empty where it would not.
        ready_in: seconds until it would be asked; infinite where it takes no request of that size.
    """

    health: RouteHealth
    patterns: tuple[str, ...]
    record: RouteRecord | None = None
    place: int | None = None
    reason: str = ""
    skipped: str = ""
    ready_in: float = 0.0

    @property
    def key(self) -> str:
        """What tells it from the others."""
        return f"{self.health.provider}/{self.health.model}"

    @property
    def state(self) -> str:
        """In a word or two, whether it is ready."""
        if math.isinf(self.ready_in):
            return "too small"
        if self.ready_in >= _SOON:
            return f"ready in {_brief(self.ready_in)}"
        if self.health.circuit == "half_open":
            return "on probation"
        if self.health.circuit == "open":
            return f"off for {_brief(self.health.ready_in)}"
        return "ready"

    @property
    def is_ready(self) -> bool:
        """Whether it would be asked at once."""
        return self.state == "ready"


def standings(
    health: Sequence[RouteHealth],
    records: Sequence[RouteRecord],
    routes: Sequence[PlannedRoute],
    skipped: Sequence[SkippedRoute],
) -> list[Standing]:
    """One a model and provider: first those that the next request would be sent to, in that order.

    Args:
        health: of every endpoint.
        records: their last calls.
        routes: where the next request would be sent, in the order of trying.
        skipped: which would be left out.
    """
    known = {(record.provider, record.model): record for record in records}
    planned = {(route.provider, route.model): (place, route) for place, route in enumerate(routes, 1)}
    reasons = {(route.provider, route.model): route.reason for route in skipped}
    found: dict[tuple[str, str], Standing] = {}
    for at in health:
        key = (at.provider, at.model)
        before = found[key].patterns if key in found else ()
        place, route = planned.get(key, (None, None))
        found[key] = Standing(
            at,
            (*before, at.pattern),
            known.get(key),
            place,
            route.reason if route else "",
            reasons.get(key, ""),
            route.ready_in if route else _busy(at),
        )
    return sorted(found.values(), key=lambda standing: standing.place or len(found) + 1)


def _busy(health: RouteHealth) -> float:
    """Seconds for which its limits keep it, where its circuit does not."""
    return health.ready_in if health.circuit == "closed" else 0.0


def _brief(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3600:.0f} h"
