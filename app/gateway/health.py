"""``GET /health``: whether the gateway works, for those who restart it; needs no key and tells no secret."""

from __future__ import annotations

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from app.gateway.exchange import Exchange
from app.gateway.gateway import Gateway
from app.gateway.request_id import request_id

__all__ = ("Health",)


class Health:
    """An ASGI application: 200 where calls can be answered and booked, 503 where not."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell the state of the database and of the routes."""
        exchange = Exchange(scope, receive, send, request_id=request_id(scope))
        failure = self._gateway.ledger.failure or self._gateway.speech.failure
        routes = [
            {
                "route": route.pattern,
                "provider": route.provider,
                "circuit": route.circuit,
                "problem": route.problem,
            }
            for route in self._gateway.router.health()
        ]
        answer = {
            "status": "ok" if failure is None else "failing",
            "ledger": "ok" if failure is None else str(failure),
            "routes": routes,
        }
        await exchange.answer(to_json(answer), status=200 if failure is None else 503)
