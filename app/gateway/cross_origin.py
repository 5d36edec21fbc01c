"""Pages of other sites that may call the gateway: browsers ask first, and show answers to those alone.

https://fetch.spec.whatwg.org/#http-cors-protocol. Each site is named to itself, never by a wildcard.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Message, Scope, Send

__all__ = ("AllowedSites", "allow", "asks_first", "readable_by")

_METHODS = b"GET, POST"
_SECONDS = b"600"
_SHOWN = (
    b"x-request-id, x-tensorwall-route, x-tensorwall-attempts, x-tensorwall-cost, x-tensorwall-overhead-ms, "
    b"x-tensorwall-left-out, retry-after, retry-after-ms, x-should-retry"
)


class AllowedSites:
    """The sites that the settings name.

    Args:
        origins: such as ``http://localhost:3000``.
    """

    def __init__(self, origins: Iterable[str]) -> None:
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)

    def __contains__(self, origin: str) -> bool:
        return origin.lower() in self._origins

    def of(self, scope: Scope) -> bytes | None:
        """The origin of a request, as it was sent, where it is one of these sites."""
        if not self._origins:
            return None
        origin = _header(scope, b"origin")
        return origin if origin is not None and origin.decode("latin-1") in self else None


def asks_first(scope: Scope) -> bool:
    """Whether it is no request but a browser's question for leave to make one."""
    return scope["method"] == "OPTIONS" and _header(scope, b"access-control-request-method") is not None


async def allow(scope: Scope, send: Send) -> None:
    """Give the leave that a browser asked for, with the headers that it means to send."""
    headers = [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", _header(scope, b"access-control-request-headers") or b""),
        (b"access-control-max-age", _SECONDS),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def readable_by(origin: bytes, send: Send) -> Send:
    """A ``send`` whose answers a page of that site may read."""
    shown = [
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", _SHOWN),
        (b"vary", b"Origin"),
    ]

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *shown]}
        await send(message)

    return tell


def _header(scope: Scope, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)
