"""``GET /health``: whether the gateway works, for those who restart it; needs no key and tells no secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from app.gateway.exchange import Exchange
from app.gateway.gateway import Gateway
from app.gateway.request_id import request_id
from core.routing import RouteHealth

__all__ = ("Health",)

_SEVERITY = {"closed": 0, "half_open": 1, "open": 2}


class Health:
    """An ASGI application: 200 where calls can be answered and booked, 503 where not."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell the state of the database and of the routes."""
        exchange = Exchange(scope, receive, send, request_id=request_id(scope))
        failure = self._gateway.ledger.failure or self._gateway.speech.failure
        answer = {
            "status": "ok" if failure is None else "failing",
            "ledger": "ok" if failure is None else str(failure),
            "routes": _by_endpoint(self._gateway.router.health()),
        }
        await exchange.answer(to_json(answer), status=200 if failure is None else 503)


def _by_endpoint(health: Iterable[RouteHealth]) -> list[dict[str, str | int]]:
    """One row an endpoint, whatever number of models it was asked for: the model that fares worst speaks."""
    endpoints: dict[tuple[str, str], list[RouteHealth]] = {}
    for route in health:
        endpoints.setdefault((route.pattern, route.provider), []).append(route)
    return [_row(models) for models in endpoints.values()]


def _row(models: Sequence[RouteHealth]) -> dict[str, str | int]:
    worst = max(models, key=lambda route: _SEVERITY[route.circuit])
    return {
        "route": worst.pattern,
        "provider": worst.provider,
        "circuit": worst.circuit,
        "problem": worst.problem,
        "models": len(models),
    }
