"""What is turned away before any endpoint: pages of other sites, too much at once, and headers without end.

A web page may send requests to a server on its visitor's machine, under the page's own name (DNS rebinding,
which shows in ``Host``) or across sites (which browsers mark by ``Origin``).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from app.gateway.api_errors import ApiError
from app.gateway.cross_origin import AllowedSites, allow, asks_first, readable_by
from app.gateway.request_id import request_id

__all__ = ("Guard", "host_name")

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_MOST_HEADER_BYTES = 64 * 1024
_ALWAYS_ANSWERED = "/health"
"""Whoever asks there would start a gateway anew that is only busy."""


class Guard:
    """Turns away what no endpoint should see, and passes on the rest.

    Args:
        app: what it guards.
        hosts: names this server may be called by, besides those of this machine and IP addresses.
        origins: sites whose pages may call it, such as ``http://localhost:3000``.
        most_at_once: requests under way.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Iterable[str], origins: Iterable[str], most_at_once: int
    ) -> None:
        self._app = app
        self._hosts = _LOOPBACK_NAMES | {host.lower() for host in hosts}
        self._sites = AllowedSites(origins)
        self._most_at_once = most_at_once
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        origin = self._sites.of(scope)
        if origin is not None:
            send = readable_by(origin, send)
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(refusal, request_id(scope), send)
            return
        if origin is not None and asks_first(scope):
            await allow(scope, send)
            return
        self._under_way += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way -= 1

    def _refusal(self, scope: Scope) -> ApiError | None:
        host = origin = site = b""
        size = 0
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
            elif name == b"sec-fetch-site":
                site = value
        if size > _MOST_HEADER_BYTES:
            return ApiError(
                431, f"The headers are larger than {_MOST_HEADER_BYTES:,} bytes.", code="headers_too_large"
            )
        if not self._is_own(host_name(host.decode("latin-1"))):
            return ApiError(
                403,
                "This gateway is not called by that Host. Name further ones in gateway.allowed_hosts.",
                code="host_not_allowed",
            )
        if (origin or site == b"cross-site") and not self._may_call(origin, host):
            return ApiError(
                403,
                "Pages of other sites may not call this gateway. Name those that may in "
                "gateway.allowed_origins.",
                code="origin_not_allowed",
            )
        if self._under_way >= self._most_at_once and scope["path"] != _ALWAYS_ANSWERED:
            return ApiError(
                503, "Too many requests are under way.", code="overloaded", headers={"retry-after": "1"}
            )
        return None

    def _is_own(self, name: str) -> bool:
        if name in self._hosts:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True  # an address cannot be rebound

    def _may_call(self, origin: bytes, host: bytes) -> bool:
        given, own = origin.decode("latin-1").lower(), host.decode("latin-1").lower()
        return bool(given) and (given in self._sites or _authority(given) == own)


def _authority(origin: str) -> str | None:
    """Host and port of an origin; ``None`` where it is none, such as ``null``."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def host_name(host: str) -> str:
    """The name in a ``Host`` header, without its port and without the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


async def _refuse(error: ApiError, request: str, send: Send) -> None:
    body = error.body
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", request.encode("latin-1")),
        *((name.encode(), value.encode()) for name, value in error.headers.items()),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
