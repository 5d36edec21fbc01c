"""Connections that are not in use: kept for the next request, and made ahead of it where one will come.

A handshake costs two or three round trips, and an answer that is interrupted costs its connection. So a
server that was once warmed has a connection in reserve from then on: as soon as the last one is taken,
another is made in the background.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from core.providers.dialling import Dialler, Origin
from core.providers.http_wire import Wire

__all__ = ("KeptWires",)

_MOST_REPLACED = 3
"""Connections that are made again, after the server has closed them, between two requests: each gives some
minutes more, and a server that closes them at once is left in peace."""
_SLEPT = 5.0
"""Seconds by which the wall clock may be ahead of the loop's, which stands still while a machine sleeps."""


@dataclass(slots=True)
class _Server:
    """What is kept for one server.

    Attributes:
        idle: those that rest, the longest one first.
        reserve: whether one is to be in reserve; and the seconds that making it may take.
        replaceable: how many of them may yet be made again before the next request.
        making: one that is being made.
        awaited: a request waits for that one, so that another has to make its own.
    """

    idle: deque[Wire] = field(default_factory=deque)
    reserve: bool = False
    connect_seconds: float | None = None
    replaceable: int = 0
    making: asyncio.Task[bool] | None = None
    awaited: bool = False


class KeptWires:
    """Owns the connections that no request has, and the tasks that make more of them.

    Args:
        dialler: makes connections.
        keep_alive: seconds for which one may rest.
        most_idle: how many to one server are kept.
        wall_clock: seconds that go on while the machine sleeps.
    """

    def __init__(
        self,
        dialler: Dialler,
        *,
        keep_alive: float,
        most_idle: int,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._dialler = dialler
        self._keep_alive = keep_alive
        self._most_idle = most_idle
        self._wall_clock = wall_clock
        self._ahead = wall_clock() - asyncio.get_running_loop().time()
        self._servers: dict[Origin, _Server] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether none are kept or made any more."""
        return self._closed

    async def take(self, origin: Origin) -> Wire | None:
        """The one that was used last, since the others may age; or the one that is being made.

        ``None`` where there is neither, or the second cannot be made.
        """
        server = self._server(origin)
        self._drop_stale(server)
        server.replaceable = _MOST_REPLACED
        if not server.idle and server.making is not None and not server.awaited:
            server.awaited = True
            try:
                await asyncio.wait((server.making,))
            finally:
                server.awaited = False
        wire = server.idle.pop() if server.idle else None
        self._restock(origin, server)
        return wire

    def put_by(self, wire: Wire, origin: Origin) -> None:
        """Keep one that is free; after the end it is closed."""
        if self._closed:
            wire.abort()
            return
        server = self._server(origin)
        wire.rest(lambda lost: self._was_closed(lost, origin))
        server.idle.append(wire)
        if len(server.idle) > self._most_idle:
            server.idle.popleft().abort()

    def reserve(self, origin: Origin, seconds: float | None) -> None:
        """Have one in reserve from now on.

        Args:
            origin: the server.
            seconds: how long making one may take.
        """
        server = self._server(origin)
        server.reserve, server.connect_seconds = True, seconds
        server.replaceable = _MOST_REPLACED
        self._drop_stale(server)
        self._restock(origin, server)

    async def ready(self, origin: Origin) -> bool:
        """Wait for the one in reserve, where it is being made; whether there is one."""
        server = self._server(origin)
        if server.making is None:
            return bool(server.idle)
        making = server.making
        await asyncio.wait((making,))
        return not making.cancelled() and making.result()

    def rests_for(self, origin: Origin) -> float | None:
        """Seconds since the one that would be taken next was used; ``None`` where there is none."""
        server = self._server(origin)
        self._drop_stale(server)
        return self._now() - server.idle[-1].rests_since if server.idle else None

    @property
    def resting(self) -> int:
        """How many could be taken now, whatever the server."""
        now = self._now()
        idle = (wire for server in self._servers.values() for wire in server.idle)
        return sum(now - wire.rests_since < self._keep_alive for wire in idle)

    def distrust(self, dead: Wire, origin: Origin) -> None:
        """Close those that have rested for longer than one that turned out to be dead."""
        server = self._server(origin)
        while server.idle and server.idle[0].rests_since <= dead.rests_since:
            server.idle.popleft().abort()
        self._restock(origin, server)

    async def aclose(self) -> None:
        """Close all of them, and make no more: requests that are still under way find none either."""
        self._closed = True
        servers = [*self._servers.values()]
        self._servers.clear()
        making = [server.making for server in servers if server.making is not None]
        for task in making:
            task.cancel()
        if making:
            await asyncio.wait(making)
        for wire in [wire for server in servers for wire in server.idle]:
            wire.abort()

    def _server(self, origin: Origin) -> _Server:
        server = self._servers.get(origin)
        if server is None:
            server = self._servers[origin] = _Server()
        return server

    def _restock(self, origin: Origin, server: _Server) -> None:
        """Make one in the background, where one is to be in reserve and none is."""
        if server.reserve and not server.idle and server.making is None and not self._closed:
            server.making = asyncio.create_task(self._make(origin, server), name=f"connect to {origin[1]}")

    async def _make(self, origin: Origin, server: _Server) -> bool:
        try:
            wire = await self._dialler.connect(origin, server.connect_seconds)
        except httpx.TransportError:
            return False  # the request that needs one meets the same, and tells
        finally:
            server.making = None
        self.put_by(wire, origin)
        return True

    def _was_closed(self, wire: Wire, origin: Origin) -> None:
        """The server closed one that rests."""
        server = self._servers.get(origin)
        if server is None or wire not in server.idle:
            return
        server.idle.remove(wire)
        if server.replaceable > 0:
            server.replaceable -= 1
            self._restock(origin, server)

    def _drop_stale(self, server: _Server) -> None:
        """Close those that have rested for too long, and all of them if the machine has slept since."""
        now = self._now()
        ahead = self._wall_clock() - now
        slept, self._ahead = ahead - self._ahead > _SLEPT, ahead
        if slept:
            for other in self._servers.values():
                while other.idle:
                    other.idle.popleft().abort()
        while server.idle and now - server.idle[0].rests_since >= self._keep_alive:
            server.idle.popleft().abort()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
