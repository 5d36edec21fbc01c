"""The TCP connections of the server, for what HTTP alone cannot show or do.

Tests count connections to prove that a client reuses them, and some faults need the socket: a cut
without the end of the body, a reset.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

__all__ = ("Connection", "ConnectionProtocol", "Connections")

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Connection:
    """One accepted connection.

    Attributes:
        id: counts from 1 within the process.
        requests: how many requests have arrived on it.
    """

    def __init__(self, number: int, transport: asyncio.Transport) -> None:
        self.id = number
        self.requests = 0
        self._transport = transport
        # asyncio leaves it out for sockets made without a protocol number; without it a token waits for
        # the acknowledgement of the one before, up to 40 ms.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def _socket(self) -> socket.socket:
        found: socket.socket = self._transport.get_extra_info("socket")
        return found

    def close(self) -> None:
        """End it as if the process had exited: what was written arrives, then plain end of file."""
        self._transport.close()

    def reset(self) -> None:
        """End it with a TCP reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()


class Connections:
    """All connections of one server: how many were accepted, and which are open."""

    def __init__(self) -> None:
        self.accepted = 0
        self.open: dict[int, Connection] = {}

    def add(self, transport: asyncio.Transport) -> Connection:
        """Number a new connection."""
        self.accepted += 1
        connection = Connection(self.accepted, transport)
        self.open[connection.id] = connection
        return connection

    def close_all(self) -> None:
        """End every connection, answered or not."""
        for connection in list(self.open.values()):
            connection.close()


class ConnectionProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol that puts its ``Connection`` into ``scope["state"]``."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._accepted = connections

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the connection its number."""
        super().connection_made(transport)
        self._connection = self._accepted.add(transport)
        self.app_state: dict[str, Any] = {**self.app_state, "connection": self._connection}

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it among the open ones."""
        self._accepted.open.pop(self._connection.id, None)
        super().connection_lost(exc)
