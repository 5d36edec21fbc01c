"""HTTP/1.1 straight on the event loop, parsed by httptools: a transport for httpx's requests and responses.

httpx's own transport takes five times and more the processor time for a call, most of it in layers for other
event loops and protocols (``make bench ARGS=router``); a gateway answers hundreds of calls a second, and a
terminal draws beside a thousand tokens a second. Errors are httpx's own.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Sequence
from typing import Any, Self, cast

import httptools
import httpx
from aiohappyeyeballs import start_connection

__all__ = ("HttpTransport",)

Origin = tuple[str, str, int]
SocketOption = tuple[int, int, int]

_PORTS = {"http": 80, "https": 443}
_MOST_UNREAD = 256 * 1024
"""Bytes of an answer that nobody has taken yet, above which the server has to wait."""
_NEXT_ADDRESS_AFTER = 0.25
"""Seconds until a second address of a host is tried beside the first (RFC 8305)."""
_BROKEN = (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError)


class HttpTransport(httpx.AsyncBaseTransport):
    """Kept connections to any number of servers, on one event loop.

    Args:
        context: for https; ``None`` where no address is.
        socket_options: as `socket.socket.setsockopt` takes them.
        keep_alive: seconds for which a connection that is not in use is kept.
        most_idle: connections to one server that are kept.
    """

    def __init__(
        self,
        *,
        context: ssl.SSLContext | None,
        socket_options: Sequence[SocketOption],
        keep_alive: float,
        most_idle: int,
    ) -> None:
        self._context = context
        self._socket_options = tuple(socket_options)
        self._keep_alive = keep_alive
        self._most_idle = most_idle
        self._idle: dict[Origin, deque[_Wire]] = {}
        self._in_use: set[_Wire] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and once more where the server had closed the kept connection in the meantime.

        Raises:
            httpx.TransportError: no answer came.
        """
        origin = _origin(request.url)
        timeouts: dict[str, float | None] = request.extensions.get("timeout", {})
        while True:
            wire, kept = self._take(origin), True
            if wire is None:
                wire, kept = await self._connect(origin, timeouts.get("connect")), False
            self._in_use.add(wire)
            try:
                await wire.ask(request, timeouts)
            except _BROKEN:
                self._drop(wire)
                if not kept or wire.answered:
                    raise
            except BaseException:
                self._drop(wire)
                raise
            else:
                return httpx.Response(wire.status, headers=wire.headers, stream=_Body(self, wire, origin))

    def give_back(self, wire: _Wire, origin: Origin) -> None:
        """Keep a connection whose answer was read to its end; close one that was not."""
        if not wire.reusable:
            self._drop(wire)
            return
        self._in_use.discard(wire)
        idle = self._idle.setdefault(origin, deque())
        wire.rest(asyncio.get_running_loop().time() + self._keep_alive)
        idle.append(wire)
        if len(idle) > self._most_idle:
            idle.popleft().abort()

    async def aclose(self) -> None:
        """Close all connections."""
        for wire in [*self._in_use, *(wire for idle in self._idle.values() for wire in idle)]:
            wire.abort()
        self._in_use.clear()
        self._idle.clear()
        await asyncio.sleep(0)  # lets the loop close the sockets

    def _take(self, origin: Origin) -> _Wire | None:
        """The connection that was used last: the others may age."""
        idle = self._idle.get(origin)
        now = asyncio.get_running_loop().time()
        while idle:
            wire = idle.pop()
            if not wire.lost and wire.expires_at > now:
                return wire
            wire.abort()
        return None

    def _drop(self, wire: _Wire) -> None:
        self._in_use.discard(wire)
        wire.abort()

    async def _connect(self, origin: Origin, seconds: float | None) -> _Wire:
        scheme, host, port = origin
        if scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"{scheme}:// is not supported")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                connected = await _connected_socket(host, port)
                try:
                    for option in self._socket_options:
                        connected.setsockopt(*option)
                    _, wire = await loop.create_connection(
                        lambda: _Wire(loop),
                        sock=connected,
                        ssl=self._context if scheme == "https" else None,
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


def _origin(url: httpx.URL) -> Origin:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme, 0)


class _Body(httpx.AsyncByteStream):
    """The body of an answer as it arrives; its connection is free as soon as the last byte was taken."""

    def __init__(self, transport: HttpTransport, wire: _Wire, origin: Origin) -> None:
        self._transport = transport
        self._wire: _Wire | None = wire
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


class _Wire(asyncio.Protocol):
    """One connection, and the answer that is being read from it.

    Attributes:
        answered: a byte of an answer has arrived for the request under way.
        lost: the connection is gone.
        expires_at: when a resting one is too old to be used.
        status, headers: of the answer, once `ask` has returned.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answered = False
        self.lost = False
        self.expires_at = 0.0
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None  # httptools has no types
        self._has_head = False
        self._bodiless = False
        self._complete = False
        self._keep = False
        self._pieces: list[bytes] = []
        self._unread = 0
        self._reading_is_paused = False
        self._writing_is_paused = False
        self._error: httpx.TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._read_seconds: float | None = None
        self._deadline: float | None = None
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def reusable(self) -> bool:
        """Whether another request may follow."""
        return self._complete and self._keep and not self.lost and not self._pieces

    async def ask(self, request: httpx.Request, timeouts: dict[str, float | None]) -> None:
        """Send a request and wait for the head of its answer.

        Raises:
            httpx.TransportError: it did not come.
        """
        self._begin(bodiless=request.method == "HEAD", read_seconds=timeouts.get("read"))
        if self._transport is None or self.lost:
            raise httpx.ReadError("the connection is gone")
        self._transport.write(_head(request) + request.content)
        if self._writing_is_paused:
            await self._written(timeouts.get("write"))
        while not self._has_head:
            await self._wait()

    async def read(self) -> bytes:
        """What has arrived of the body; waits for at least a byte, and gives none at its end.

        Raises:
            httpx.TransportError: the answer broke off, or the server went silent.
        """
        while not self._pieces:
            if self._complete:
                return b""
            await self._wait()
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        self._unread = 0
        if self._reading_is_paused and self._transport is not None and not self.lost:
            self._reading_is_paused = False
            self._transport.resume_reading()
        return data

    def rest(self, expires_at: float) -> None:
        """Nothing is under way; what arrives now is not asked for."""
        self.expires_at = expires_at
        self._parser = None
        self._silence_is_over()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._silence_is_over()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._transport is not None:
            self._transport.abort()

    def _begin(self, *, bodiless: bool, read_seconds: float | None) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._bodiless = bodiless
        self._read_seconds = read_seconds
        self.answered = self._has_head = self._complete = self._keep = False
        self.headers = []
        self._pieces = []
        self._unread = 0

    async def _written(self, seconds: float | None) -> None:
        """Wait until the request has left, or an answer comes before that; progress counts, however slow."""
        assert self._transport is not None
        while self._writing_is_paused and not self.answered:
            left = self._transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(seconds):
                    await self._wait(silence=False)
            except TimeoutError:
                if self._transport.get_write_buffer_size() >= left:
                    raise httpx.WriteTimeout("the server takes no more of the request") from None

    async def _wait(self, *, silence: bool = True) -> None:
        """Wait until something happens; for no longer than the server may be silent."""
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        if silence and self._read_seconds is not None:
            self._deadline = self._loop.time() + self._read_seconds
            if self._alarm is None:
                self._alarm = self._loop.call_at(self._deadline, self._ring)
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._deadline = None
        if self._error is not None and not self._pieces and not self._complete:
            raise self._error

    def _ring(self) -> None:
        """Time is up, unless something has arrived since: one timer does for a whole answer."""
        self._alarm = None
        if self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._alarm = self._loop.call_at(self._deadline, self._ring)
        else:
            self._fail(httpx.ReadTimeout("the server is silent"))

    def _silence_is_over(self) -> None:
        self._deadline = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: httpx.TransportError) -> None:
        if self._error is None:
            self._error = error
        self._wake()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by descent

    def data_received(self, data: bytes) -> None:
        if self._parser is None:  # nothing was asked: an error of the server's, or of an earlier answer
            self.lost = True
            self.abort()
            return
        self.answered = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._fail(httpx.RemoteProtocolError("the server changes the protocol"))
        except httptools.HttpParserError as error:
            self._fail(httpx.RemoteProtocolError(str(error)))
        self._wake()

    def eof_received(self) -> None:
        """The loop closes the connection now."""

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        if self._parser is not None and not self._complete:
            if self._has_head and not self._is_framed():
                self._complete = True  # a body that lasts as long as the connection
            elif exc is not None:
                error = httpx.ReadError(str(exc))
                error.__cause__ = exc
                self._fail(error)
            else:
                self._fail(httpx.RemoteProtocolError("the server closed the connection"))
        self._wake()

    def pause_writing(self) -> None:
        self._writing_is_paused = True

    def resume_writing(self) -> None:
        self._writing_is_paused = False
        self._wake()

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self.status < httpx.codes.OK:
            self.headers = []  # those of an interim answer
            return
        self._has_head = True
        self._keep = self._parser.should_keep_alive()
        if self._bodiless:
            self._complete = True
            self._parser = None

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._unread += len(piece)
        if self._unread > _MOST_UNREAD and not self._reading_is_paused and self._transport is not None:
            self._reading_is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._has_head:
            self._complete = True

    def _is_framed(self) -> bool:
        """Whether the answer says where it ends."""
        return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self.headers)


def _head(request: httpx.Request) -> bytes:
    lines = [
        b"%s %s HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path),
        *(b"%s: %s" % header for header in request.headers.raw),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n"
