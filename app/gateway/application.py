"""The gateway as an ASGI application, and the parts it is made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from app.composition import Services
from app.gateway.api_errors import ApiError
from app.gateway.chat import answer_chat
from app.gateway.endpoint import Endpoint
from app.gateway.gateway import Gateway
from app.gateway.guard import Guard
from app.gateway.health import Health
from app.gateway.metrics import Metrics
from app.gateway.models import list_models, show_model

__all__ = ("create_app", "open_gateway")

PREFIXES = ("/v1", "/openai/v1")
"""OpenAI's clients look under the first, Groq's under the second."""


@asynccontextmanager
async def open_gateway(services: Services) -> AsyncIterator[Gateway]:
    """Open the database and make the parts of a gateway; every call is booked before it is closed.

    Raises:
        StorageError: or one of its kin, when the database cannot be used.
    """
    from core.costs.group_ledger import GroupLedger  # once the database is open: it needs SQLAlchemy

    records = await services.records()
    ring = await records.keys.ring()
    settings, recover = services.settings, records.ledger.recover
    ledger = GroupLedger(records.database, services.catalogue, settings.budgets, ring, recover)
    gateway = Gateway(
        settings=settings.gateway,
        router=services.router,
        providers=services.providers,
        catalogue=services.catalogue,
        routes=_route_names(services),
        records=records,
        ledger=ledger,
        ring=ring,
        metrics=Metrics(),
        clock=asyncio.get_running_loop().time,
    )
    try:
        yield gateway
    finally:
        await ledger.aclose()


def create_app(gateway: Gateway, *, own_names: tuple[str, ...] = ()) -> ASGIApp:
    """The application over a gateway.

    Args:
        gateway: its parts.
        own_names: hosts it is bound to, by which it may be called.
    """
    chat = Endpoint(answer_chat, "chat", gateway, booked=True)
    models, model = Endpoint(list_models, "models", gateway), Endpoint(show_model, "models", gateway)
    routes = [Route("/health", Health(gateway), methods=["GET"])]
    for prefix in PREFIXES:
        routes += [
            Route(f"{prefix}/chat/completions", chat, methods=["POST"]),
            Route(f"{prefix}/models", models, methods=["GET"]),
            Route(f"{prefix}/models/{{model:path}}", model, methods=["GET"]),
        ]
    app = Starlette(routes=routes, exception_handlers={404: _no_such_path, 405: _no_such_path})
    app.router.redirect_slashes = False
    return Guard(
        app,
        hosts=(*own_names, *gateway.settings.allowed_hosts),
        origins=gateway.settings.allowed_origins,
        most_at_once=gateway.settings.most_at_once,
    )


def _route_names(services: Services) -> tuple[str, ...]:
    """Names that stand for models: the settings' own, and those of the catalogue."""
    own = [route.model for route in services.settings.routes if not route.model.endswith("*")]
    return tuple(dict.fromkeys([*own, *services.catalogue.aliases]))


async def _no_such_path(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    refusal = ApiError(
        status,
        f"{request.method} {request.url.path} is not an endpoint of this gateway; GET /docs lists them.",
        code="unknown_url" if status == 404 else "method_not_allowed",
    )
    headers = dict(getattr(error, "headers", None) or {})
    return Response(refusal.body, status, headers, media_type="application/json")
