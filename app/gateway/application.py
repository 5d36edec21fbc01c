"""The gateway as an ASGI application, and the parts it is made of."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.composition import Services
from app.gateway.api_errors import ApiError
from app.gateway.document.open_pages import OpenPage, as_html, as_json
from app.gateway.document.openapi import openapi
from app.gateway.endpoint import Endpoint
from app.gateway.gateway import Gateway
from app.gateway.guard import Guard
from app.gateway.health import Health
from app.gateway.local_voice import LocalVoice
from app.gateway.metrics import Metrics
from app.gateway.paths import PATHS
from app.gateway.request_id import request_id
from app.gateway.shared_tallies import SharedTallies

__all__ = ("create_app", "open_gateway")

log = logging.getLogger("tensorwall.gateway")


@asynccontextmanager
async def open_gateway(
    services: Services, metrics: Metrics, tallies: Path | None = None
) -> AsyncIterator[Gateway]:
    """Open the database and make the parts of a gateway; every call is booked before it is closed.

    Args:
        services: what answers.
        metrics: the observer of its calls.
        tallies: the folder in which the processes of one gateway tell each other what they count.

    Raises:
        StorageError: or one of its kin, when the database cannot be used.
    """
    from core.costs.call_marks import CallMarks  # once the database is open: SQLAlchemy is needed
    from core.costs.group_ledger import GroupLedger
    from core.costs.speech_ledger import SpeechLedger

    records = await services.records()
    ring = await records.keys.ring()
    settings, recover = services.settings, records.ledger.recover
    marks = CallMarks.of(records.database, ring)
    ledger = GroupLedger(records.database, services.catalogue, settings.budgets, ring, recover, marks=marks)
    speech = SpeechLedger(records.database, settings.budgets, ring, recover)
    voice = LocalVoice(settings.voice, services.locations.speech_models_dir)
    gateway = Gateway(
        settings=settings.gateway,
        router=services.router,
        providers=services.providers,
        catalogue=services.catalogue,
        routes=_route_names(services),
        records=records,
        ledger=ledger,
        speech=speech,
        voice=voice,
        ring=ring,
        metrics=metrics,
        clock=asyncio.get_running_loop().time,
    )
    metrics.watch(
        lambda: (services.router.health(), ledger.unsettled),
        SharedTallies(tallies, records.database.instance) if tallies else None,
    )
    metrics.publish()
    try:
        yield gateway
    finally:
        metrics.close()
        await voice.aclose()
        await speech.aclose()
        await ledger.aclose()
        if ledger.unsettled:
            message = "%d calls could not be settled and will be found as crashed, with an estimate: %s"
            log.error(message, ledger.unsettled, ledger.failure)


def create_app(gateway: Gateway, *, own_names: tuple[str, ...] = ()) -> ASGIApp:
    """The application over a gateway.

    Args:
        gateway: its parts.
        own_names: hosts it is bound to, by which it may be called.
    """
    routes = [*_with_key(gateway), *_without_key(gateway)]
    app = Starlette(routes=routes, exception_handlers={404: _no_such_path, 405: _no_such_path})
    app.router.redirect_slashes = False
    return Guard(
        _found_by_path(routes, app),
        hosts=(*own_names, *gateway.settings.allowed_hosts),
        origins=gateway.settings.allowed_origins,
        most_at_once=gateway.settings.most_at_once,
    )


def _with_key(gateway: Gateway) -> Iterator[Route]:
    for served in PATHS:
        endpoint = Endpoint(served.act, served.endpoint, gateway, booked=served.booked)
        for path in served.full_paths:
            yield Route(path.replace("{model}", "{model:path}"), endpoint, methods=[served.method])


def _without_key(gateway: Gateway) -> Iterator[Route]:
    document = partial(openapi, PATHS)
    yield Route("/health", Health(gateway), methods=["GET"])
    yield Route("/openapi.json", OpenPage(document, as_json), methods=["GET"])
    yield Route("/docs", OpenPage(document, as_html), methods=["GET"])


def _found_by_path(routes: Sequence[Route], app: ASGIApp) -> ASGIApp:
    """Look up what has a fixed path: Starlette's own layers take a tenth of a request's time."""
    fixed: dict[tuple[str | None, str | None], ASGIApp] = {
        (method, route.path): route.app
        for route in routes
        if not route.param_convertors
        for method in route.methods or ()
    }

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await fixed.get((scope.get("method"), scope.get("path")), app)(scope, receive, send)

    return answer


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
    headers = {**(getattr(error, "headers", None) or {}), "x-request-id": request_id(request.scope)}
    return Response(refusal.body, status, headers, media_type="application/json")
