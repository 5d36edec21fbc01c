"""How an endpoint stands, to be shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.chat import RateLimits
from core.providers import Provider, Warmth
from core.routing.breaker import CircuitState
from core.routing.health import EndpointHealth
from core.routing.limits.allowance import LimitLevel

__all__ = ("RouteHealth", "route_health")


@dataclass(frozen=True, slots=True)
class RouteHealth:
    """One endpoint at one moment, to be shown; times in seconds.

    Attributes:
        pattern: the route it belongs to.
        model: what the provider was last asked for, or would be.
        ready_in: until it is used again; 0 where it is ready.
        problem: why it is not ready, a phrase; empty where it is.
        first_content: mean time to the first piece of a streamed answer, recent calls weighing more.
        failed, calls: within the circuit's window.
        limits: as last reported by the provider.
        label: the provider's name for people.
        levels: what is left of the limits, as far as they are known.
        warmth: the connections to the provider, from this process.
    """

    pattern: str
    provider: str
    model: str
    priority: int
    circuit: CircuitState
    ready_in: float
    problem: str
    first_content: float | None
    failed: int
    calls: int
    limits: RateLimits | None
    label: str = ""
    levels: tuple[LimitLevel, ...] = ()
    warmth: Warmth = field(default_factory=Warmth)


def route_health(
    health: EndpointHealth, *, pattern: str, provider: Provider, model: str, priority: int, now: float
) -> RouteHealth:
    """How an endpoint of the route ``pattern`` stands at ``now``, on the clock of its health."""
    failed, calls = health.breaker.failures(now)
    return RouteHealth(
        pattern=pattern,
        provider=provider.name,
        model=model,
        priority=priority,
        circuit=health.breaker.state(now),
        ready_in=max(0.0, health.ready_at - now),
        problem=health.problem,
        first_content=health.first_content.mean,
        failed=failed,
        calls=calls,
        limits=health.limits,
        label=provider.profile.label,
        levels=tuple(health.allowance.levels(now)),
        warmth=provider.warmth,
    )
