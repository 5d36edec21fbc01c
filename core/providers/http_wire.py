"""One HTTP/1.1 connection on the event loop, parsed by httptools."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

import httptools
import httpx

from core.providers.http_messages import HttpRequest

__all__ = ("Wire",)

_MOST_UNREAD = 256 * 1024
"""Bytes of an answer that nobody has taken yet, above which the server has to wait."""
_UNCONFIRMED: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)
"""The socket's own limit on this; Linux has it."""


class Wire(asyncio.Protocol):
    """One connection, and the answer that is being read from it.

    Attributes:
        answered: a byte of an answer has arrived for the request under way.
        lost: the connection is gone.
        rests_since: when it was put by, on the loop's clock.
        status, headers: of the answer, once `ask` has returned.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.answered = False
        self.lost = False
        self.rests_since = loop.time()
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
        self._when_lost: Callable[[Wire], None] | None = None

    @property
    def reusable(self) -> bool:
        """Whether another request may follow."""
        return self._complete and self._keep and not self.lost and not self._pieces

    def rested(self, seconds: float) -> bool:
        """Whether nothing was asked for so long."""
        return self._loop.time() - self.rests_since >= seconds

    async def ask(self, request: HttpRequest) -> None:
        """Send a request and wait for the head of its answer.

        Raises:
            httpx.TransportError: it did not come.
        """
        self._when_lost = None
        self._begin(bodiless=request.method == "HEAD", read_seconds=request.timeouts.read)
        if self._transport is None or self.lost:
            raise httpx.ReadError("the connection is gone")
        self._transport.write(_head(request) + request.content)
        if self._writing_is_paused:
            await self._written(request.timeouts.write)
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

    def rest(self, lost: Callable[[Wire], None]) -> None:
        """Nothing is under way: what arrives now is not asked for, and ``lost`` is told if it closes."""
        self.rests_since = self._loop.time()
        self._when_lost = lost
        self._parser = None
        self._silence_is_over()

    def expect_receipt_within(self, seconds: float) -> None:
        """Count as broken what the server's machine does not confirm to have received after so long.

        That is not the answer, which may take longer. Only some systems can tell.
        """
        if _UNCONFIRMED is not None and self._transport is not None and not self.lost:
            connected = self._transport.get_extra_info("socket")
            connected.setsockopt(socket.IPPROTO_TCP, _UNCONFIRMED, round(seconds * 1000))

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        self._when_lost = None
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
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by descent

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer, or of what nobody asked for."""
        if self._parser is None:  # nothing was asked: an error of the server's, or of an earlier answer
            self.lost = True
            when_lost = self._when_lost
            self.abort()
            if when_lost is not None:
                when_lost(self)
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
        """It is gone, and whoever waits is told; so is who keeps it, where it rests."""
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
        when_lost, self._when_lost = self._when_lost, None
        if when_lost is not None:
            when_lost(self)

    def pause_writing(self) -> None:
        """The server takes no more for now."""
        self._writing_is_paused = True

    def resume_writing(self) -> None:
        """It does again."""
        self._writing_is_paused = False
        self._wake()

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field of the head."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole."""
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
        """A piece of the body."""
        self._pieces.append(piece)
        self._unread += len(piece)
        if self._unread > _MOST_UNREAD and not self._reading_is_paused and self._transport is not None:
            self._reading_is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._has_head:
            self._complete = True

    def _is_framed(self) -> bool:
        """Whether the answer says where it ends."""
        return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self.headers)


def _head(request: HttpRequest) -> bytes:
    target, content = request.url.raw_path.decode("ascii"), request.content
    size = f"Content-Length: {len(content)}\r\n" if content or request.method == "POST" else ""
    lines = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
    host = request.url.netloc.decode("ascii")
    return f"{request.method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}{size}\r\n".encode()
