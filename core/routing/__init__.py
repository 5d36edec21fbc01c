"""Routing: names lead to endpoints, and an answer comes from the best one that works."""

from core.routing.breaker import BreakerPolicy
from core.routing.endpoint import RouteEndpoint
from core.routing.hedging.policy import HedgePolicy
from core.routing.planned_route import PlannedRoute
from core.routing.retry import RetryPolicy
from core.routing.route_health import RouteHealth
from core.routing.router import LLMRouter
from core.routing.strategy import LoadBalanceStrategy
from core.routing.stream import ChatStream

__all__ = (
    "BreakerPolicy",
    "ChatStream",
    "HedgePolicy",
    "LLMRouter",
    "LoadBalanceStrategy",
    "PlannedRoute",
    "RetryPolicy",
    "RouteEndpoint",
    "RouteHealth",
)
