"""Making connections: the name looked up, TCP and TLS, whichever of a host's addresses answers first."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
from aiohappyeyeballs import start_connection

from core.providers.http_wire import Wire

__all__ = ("Dialler", "Origin", "SocketOption", "origin_of")

Origin = tuple[str, str, int]
"""Scheme, host and port."""
SocketOption = tuple[int, int, int]

_PORTS = {"http": 80, "https": 443}
_NEXT_ADDRESS_AFTER = 0.25
"""Seconds until a second address of a host is tried beside the first (RFC 8305)."""


def origin_of(url: httpx.URL) -> Origin:
    """Whose connections may be used for an address."""
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


@dataclass(frozen=True, slots=True)
class Dialler:
    """Makes connections.

    Attributes:
        context: for https; ``None`` where no address is.
        socket_options: as `socket.socket.setsockopt` takes them.
    """

    context: ssl.SSLContext | None
    socket_options: Sequence[SocketOption] = ()

    async def connect(self, origin: Origin, seconds: float | None) -> Wire:
        """A new connection.

        Raises:
            httpx.ConnectTimeout: it took longer than ``seconds``.
            httpx.ConnectError: there is none.
            httpx.UnsupportedProtocol: the scheme is another one.
        """
        scheme, host, port = origin
        if scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"{scheme}:// is not supported")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                connected = await _connected_socket(host, port)
                try:
                    for option in self.socket_options:
                        connected.setsockopt(*option)
                    _, wire = await loop.create_connection(
                        lambda: Wire(loop),
                        sock=connected,
                        ssl=self.context if scheme == "https" else None,
                        server_hostname=host if scheme == "https" else None,
                    )
                except BaseException:
                    connected.close()
                    raise
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection within {seconds} s") from error
        except (OSError, ssl.SSLError) as error:
            raise httpx.ConnectError(str(error)) from error
        return wire


async def _connected_socket(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return await start_connection(addresses, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER)
