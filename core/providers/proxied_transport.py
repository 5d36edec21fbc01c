"""The way through a proxy, which is httpx's own."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

import httpx

from core.providers.dialling import SocketOption
from core.providers.http_messages import HttpAnswer, HttpRequest
from core.providers.warmth import Warmth

__all__ = ("ProxiedTransport",)

_BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class ProxiedTransport(httpx.AsyncHTTPTransport):
    """httpx's transport that sends again where a kept connection had been closed in the meantime.

    Once warmed it keeps a connection in reserve, as ``HttpTransport`` does. It has to ask for something to
    make one: the pool of httpx opens connections for requests alone.

    Args:
        proxy: the proxy.
        context: for https; ``None`` where no address is.
        socket_options: as `socket.socket.setsockopt` takes them.
        keep_alive: seconds for which a connection that is not in use is kept.
        most_idle: connections that are kept.
    """

    def __init__(
        self,
        proxy: httpx.Proxy,
        context: ssl.SSLContext | None,
        socket_options: Sequence[SocketOption],
        *,
        keep_alive: float,
        most_idle: int,
    ) -> None:
        super().__init__(
            verify=context or False,  # no certificates are read for plain HTTP
            http2=False,
            limits=httpx.Limits(keepalive_expiry=keep_alive, max_keepalive_connections=most_idle),
            proxy=proxy,
            socket_options=socket_options,
        )
        self._probe: httpx.Request | None = None
        self._making: asyncio.Task[bool] | None = None

    async def ask(self, request: HttpRequest) -> HttpAnswer:
        """Send a request, on the connection that is being made where there is no other."""
        response = await self._response(_as_httpx(request))
        assert isinstance(response.stream, httpx.AsyncByteStream)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpAnswer(response.status_code, headers, response.stream)

    async def _response(self, request: httpx.Request) -> httpx.Response:
        if self._making is not None and not self._has_idle:
            await asyncio.wait((self._making,))
        while True:
            fresh = False

            async def trace(event: str, _info: dict[str, Any]) -> None:
                nonlocal fresh
                fresh = fresh or event.endswith("connect_tcp.started")

            request.extensions["trace"] = trace
            try:
                response = await self.handle_async_request(request)
            except _BROKEN:
                if fresh:
                    raise
            else:
                self._restock()
                return response

    async def warm(self, probe: HttpRequest) -> bool:
        """As ``HttpTransport.warm``; the probe opens the connection."""
        self._probe = _as_httpx(probe)
        return await self._open(self._probe)

    @property
    def warmth(self) -> Warmth:
        """The connections there are now."""
        there = [c for c in self._pool.connections if not c.is_closed() and not c.has_expired()]
        idle = sum(connection.is_idle() for connection in there)
        return Warmth(len(there) - idle, idle)

    async def aclose(self) -> None:
        """Close all connections."""
        self._probe = None
        if self._making is not None:
            self._making.cancel()
            await asyncio.wait((self._making,))
        await super().aclose()

    @property
    def _has_idle(self) -> bool:
        return any(connection.is_idle() for connection in self._pool.connections)

    def _restock(self) -> None:
        """Have a connection made beside those in use, where none rests."""
        if (
            self._probe is None
            or self._making is not None
            or any(c.is_idle() for c in self._pool.connections)
        ):
            return
        self._making = asyncio.create_task(self._open(self._probe), name="connect through the proxy")
        self._making.add_done_callback(self._made)

    def _made(self, making: asyncio.Task[bool]) -> None:
        self._making = None
        if not making.cancelled():
            making.exception()  # the request that needs the connection meets the same, and tells

    async def _open(self, probe: httpx.Request) -> bool:
        response = await self.handle_async_request(probe)
        await response.aread()
        return bool(response.headers.get("connection", "").lower() != "close")


def _as_httpx(request: HttpRequest) -> httpx.Request:
    limits = request.timeouts
    seconds = {"connect": limits.connect, "read": limits.read, "write": limits.write, "pool": limits.read}
    return httpx.Request(
        request.method,
        request.url,
        headers=dict(request.headers),
        content=request.content,
        extensions={"timeout": seconds},
    )
