"""The control interface under ``/_simulator``: options, clock and log of an API key."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.simulator.connections import Connections
from app.simulator.options import Options
from app.simulator.organizations import Organization, Organizations

__all__ = ("DeadPorts", "control_routes")


class DeadPorts:
    """Two loopback ports that never answer: one refuses connections, one never accepts them.

    The second relies on Linux, which ignores connections to a full queue.
    """

    def __init__(self) -> None:
        self._sockets = ExitStack()
        self.refused = self._bound()
        full = self._socket()
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        self.unanswered: int = full.getsockname()[1]
        for _ in range(2):
            client = self._socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", self.unanswered))

    def close(self) -> None:
        """Give the ports back."""
        self._sockets.close()

    def _bound(self) -> int:
        """A port that is taken but not listened on."""
        taken = self._socket()
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port

    def _socket(self) -> socket.socket:
        return self._sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))


def control_routes(organizations: Organizations, connections: Connections, dead: DeadPorts) -> list[Route]:
    """The routes of the control interface."""

    def account(request: Request) -> Organization | None:
        return organizations.find(request.path_params["api_key"])

    async def configure(request: Request) -> Response:
        try:
            options = Options.model_validate(from_json(await request.body() or b"{}"))
        except (ValidationError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 422)
        organization = organizations.configure(request.path_params["api_key"], options)
        return JSONResponse({"organization": organization.id, "options": options.model_dump()})

    async def forget(request: Request) -> Response:
        organizations.forget(request.path_params["api_key"])
        return Response(status_code=204)

    async def options(request: Request) -> Response:
        organization = account(request)
        return _unknown() if organization is None else JSONResponse(organization.options.model_dump())

    async def requests(request: Request) -> Response:
        organization = account(request)
        if organization is None:
            return _unknown()
        if request.method == "DELETE":
            organization.requests.clear()
            return Response(status_code=204)
        return JSONResponse([received.as_json() for received in organization.requests])

    async def advance(request: Request) -> Response:
        organization = account(request)
        if organization is None:
            return _unknown()
        organization.clock_offset += float((await request.json())["seconds"])
        return JSONResponse({"clock": organization.clock()})

    async def state(_: Request) -> Response:
        found: dict[str, Any] = {
            "connections_accepted": connections.accepted,
            "connections_open": len(connections.open),
            "refused_url": f"http://127.0.0.1:{dead.refused}/openai/v1",
            "unanswered_url": f"http://127.0.0.1:{dead.unanswered}/openai/v1",
        }
        return JSONResponse(found)

    key = "/_simulator/keys/{api_key}"
    return [
        Route("/_simulator", state),
        Route(key, configure, methods=["PUT"]),
        Route(key, forget, methods=["DELETE"]),
        Route(key, options),
        Route(f"{key}/requests", requests, methods=["GET", "DELETE"]),
        Route(f"{key}/advance", advance, methods=["POST"]),
    ]


def _unknown() -> Response:
    return JSONResponse({"error": "unknown key"}, 404)
