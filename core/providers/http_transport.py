"""HTTP/1.1 straight on the event loop, parsed by httptools.

httpx's own transport takes five times and more the processor time for a call, most of it in layers for other
event loops and protocols (``make bench ARGS=router``); a gateway answers hundreds of calls a second, and a
terminal draws beside a thousand tokens a second. Errors are httpx's own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Self

import httpx

from core.providers.dialling import Dialler, Origin, origin_of
from core.providers.http_messages import HttpAnswer, HttpRequest, read_headers
from core.providers.http_wire import Wire
from core.providers.kept_wires import KeptWires
from core.providers.warmth import Warmth

__all__ = ("CONFIRMED_WITHIN", "HttpTransport")

_BROKEN = (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)
_TRUSTED = 30.0
"""Seconds of rest after which a connection may be dead without a sign: a router on the way forgot it."""
CONFIRMED_WITHIN = 10.0
"""Seconds for a server's machine to confirm that it has received something; more is a broken connection."""
_CONFIRMED_SOON = 2.0
"""The same for a connection that may be dead."""
_AT_ONCE = 2.0
"""Seconds, a round trip, in which it shows that a server had closed a connection before the request came."""


class HttpTransport:
    """Kept connections to any number of servers, on one event loop.

    Args:
        dialler: makes connections.
        keep_alive: seconds for which a connection that is not in use is kept.
        most_idle: connections to one server that are kept.
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
        self._kept = KeptWires(dialler, keep_alive=keep_alive, most_idle=most_idle, wall_clock=wall_clock)
        self._in_use: set[Wire] = set()

    async def ask(self, request: HttpRequest) -> HttpAnswer:
        """Send a request, and once more where a kept connection turns out to have been dead before.

        The first sending is told to nobody, and so it must not have been billed: no byte of an answer came,
        and the connection ended at once, or nobody confirmed to have received anything. A server that closes
        later may have begun to answer; that is an error, and whoever asks again books a call of its own.
        (RFC 9110, 9.2.2, lets nobody repeat a POST of which that is not known.)

        Raises:
            httpx.TransportError: no answer came.
        """
        origin = origin_of(request.url)
        wire = await self._kept.take(origin)
        if wire is not None:
            clock = asyncio.get_running_loop().time
            sent = clock()
            try:
                return await self._ask(wire, request, origin)
            except _BROKEN as error:
                if wire.answered or self._kept.closed or _may_have_begun(error, clock() - sent):
                    raise
            self._kept.distrust(wire, origin)
            wire = await self._kept.take(origin)
        if wire is None:
            wire = await self._dialler.connect(origin, request.timeouts.connect)
        return await self._ask(wire, request, origin)

    async def warm(self, probe: HttpRequest) -> bool:
        """See to it that the next request finds a working connection, and have one in reserve from now on.

        Args:
            probe: asked on a connection that has rested for so long that it may be dead.

        Returns:
            Whether there is one.
        """
        origin = origin_of(probe.url)
        self._kept.reserve(origin, probe.timeouts.connect)
        rested = self._kept.rests_for(origin)
        if rested is not None and rested >= _TRUSTED and await self._answers(probe, origin):
            return True
        return await self._kept.ready(origin)

    def give_back(self, wire: Wire, origin: Origin) -> None:
        """Keep a connection whose answer was read to its end; close one that was not."""
        self._in_use.discard(wire)
        if wire.reusable:
            self._kept.put_by(wire, origin)
        else:
            wire.abort()

    @property
    def warmth(self) -> Warmth:
        """The connections there are now, to whatever server."""
        return Warmth(len(self._in_use), self._kept.resting)

    async def aclose(self) -> None:
        """Close all connections; one that a request opens for itself after that is closed with its answer."""
        for wire in self._in_use:
            wire.abort()
        self._in_use.clear()
        await self._kept.aclose()
        await asyncio.sleep(0)  # lets the loop close the sockets

    async def _ask(self, wire: Wire, request: HttpRequest, origin: Origin) -> HttpAnswer:
        doubtful = wire.rested(_TRUSTED)
        self._in_use.add(wire)
        try:
            if doubtful:
                wire.expect_receipt_within(_CONFIRMED_SOON)
            await wire.ask(request)
        except BaseException:
            self._in_use.discard(wire)
            wire.abort()
            raise
        if doubtful:
            wire.expect_receipt_within(CONFIRMED_WITHIN)
        return HttpAnswer(wire.status, read_headers(wire.headers), _Body(self, wire, origin))

    async def _answers(self, probe: HttpRequest, origin: Origin) -> bool:
        """Whether the connection that rests works; if not it is closed, with those that rest for longer."""
        wire = await self._kept.take(origin)
        if wire is None:
            return False
        try:
            async with asyncio.timeout(_CONFIRMED_SOON):
                answer = await self._ask(wire, probe, origin)
                async for _ in answer.body:
                    pass
        except (httpx.TransportError, TimeoutError):
            self._kept.distrust(wire, origin)
            return False
        return self._kept.rests_for(origin) is not None


class _Body:
    """The body of an answer as it arrives; its connection is free as soon as the last byte was taken."""

    def __init__(self, transport: HttpTransport, wire: Wire, origin: Origin) -> None:
        self._transport = transport
        self._wire: Wire | None = wire
        self._origin = origin

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._wire is None:
            raise StopAsyncIteration
        piece = await self._wire.read()
        if not piece:
            await self.aclose()
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """Let go of the connection; one with an answer that is not read to its end is closed."""
        if self._wire is not None:
            wire, self._wire = self._wire, None
            self._transport.give_back(wire, self._origin)


def _may_have_begun(error: Exception, seconds: float) -> bool:
    """Whether a server may have worked on a request, whose connection ended after so long."""
    unconfirmed = isinstance(error.__cause__, TimeoutError)  # by the socket's own limit, which is not exact
    return seconds > (2 * CONFIRMED_WITHIN if unconfirmed else _AT_ONCE)
