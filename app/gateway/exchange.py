"""One HTTP request and its answer, as plain ASGI: what stands between the socket and an endpoint."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from app.gateway.api_errors import ApiError
from app.gateway.presence import EXTENSION, Presence

__all__ = ("BodyLimits", "Exchange")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What the body of a request may take.

    Attributes:
        most: bytes.
        seconds: the longest it may take to arrive.
    """

    most: int
    seconds: float


class Exchange:
    """Reads the request and writes the answer.

    Attributes:
        request_id: the client's ``X-Request-ID``, or one made here; every answer carries it.
        began: when the request arrived, on the loop's clock.
        status: the status that was sent; 0 before.
        gone: the client closed the connection before the answer was complete.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, request_id: str) -> None:
        self.scope = scope
        self.headers = Headers(scope=scope)
        self.request_id = request_id
        self.began = asyncio.get_running_loop().time()
        self.status = 0
        self.gone = False
        self._receive = receive
        self._send = send

    async def body(self, limits: BodyLimits) -> bytes:
        """The whole body of the request.

        Raises:
            ApiError: 413 where it is too large, 408 where it does not arrive.
        """
        self._check_declared(limits.most)
        try:
            async with asyncio.timeout(limits.seconds):
                return await self._whole(limits.most)
        except TimeoutError:
            raise _too_slow(limits.seconds) from None

    async def _whole(self, most: int) -> bytes:
        message = await self._next_piece()
        if not message.get("more_body"):
            return _checked(message.get("body", b""), most)
        pieces = bytearray(message.get("body", b""))
        while message.get("more_body"):
            message = await self._next_piece()
            pieces += message.get("body", b"")
            _checked(pieces, most)
        return bytes(pieces)

    async def pieces(self, limits: BodyLimits) -> AsyncGenerator[bytes]:
        """The body of the request as it arrives, for what is better not held; otherwise as `body`."""
        self._check_declared(limits.most)
        deadline = asyncio.get_running_loop().time() + limits.seconds
        received, more = 0, True
        while more:
            try:
                async with asyncio.timeout_at(deadline):
                    message = await self._next_piece()
            except TimeoutError:
                raise _too_slow(limits.seconds) from None
            more, piece = bool(message.get("more_body")), message.get("body", b"")
            received += len(piece)
            if received > limits.most:
                raise _too_large(limits.most)
            yield piece

    def _check_declared(self, most: int) -> None:
        declared = self.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > most:
            raise _too_large(most)

    async def _next_piece(self) -> Mapping[str, bytes]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.gone = True
            raise ApiError(400, "The connection was closed within the request.")
        return message

    @contextlib.contextmanager
    def cancelled_when_client_goes(self) -> Iterator[None]:
        """Cancel what runs in the block as soon as the client closes the connection, and leave quietly."""
        working = asyncio.current_task()
        assert working is not None
        presence: Presence = self.scope["extensions"][EXTENSION]

        def leave() -> None:
            self.gone = True
            working.cancel()

        presence.when_gone = leave
        if presence.gone:
            leave()
        try:
            yield
        except asyncio.CancelledError:
            if not self.gone or working.uncancel():
                raise
        finally:
            presence.when_gone = None

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Write the status line and the headers."""
        self.status = status
        raw = [(name.encode("latin-1"), _header_value(value)) for name, value in headers.items()]
        raw.append((b"x-request-id", self.request_id.encode("latin-1")))
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, data: bytes) -> None:
        """Write a piece of the answer's body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self) -> None:
        """End the body."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def answer(
        self,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        status: int = 200,
        content_type: str = "application/json",
    ) -> None:
        """Write a whole answer."""
        sizes = {"content-type": content_type, "content-length": str(len(body))}
        await self.start(status, {**sizes, **(headers or {})})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def refuse(self, error: ApiError, headers: Mapping[str, str] | None = None) -> None:
        """Answer with an error."""
        await self.answer(error.body, {**(headers or {}), **error.headers}, status=error.status)


def _header_value(value: str) -> bytes:
    """As it may stand in a header: names of models come from clients, and may hold anything."""
    if not value.isprintable():
        value = "".join(character if character.isprintable() else "?" for character in value)
    return value.encode("latin-1", "replace")


def _checked(body: bytes | bytearray, most: int) -> bytes:
    if len(body) > most:
        raise _too_large(most)
    return bytes(body)


def _too_slow(seconds: float) -> ApiError:
    """Closes the connection, too: what is late is not waited for."""
    message = f"The request's body did not arrive within {seconds:g} seconds."
    return ApiError(408, message, headers={"connection": "close"})


def _too_large(most: int) -> ApiError:
    return ApiError(413, f"The request's body is larger than {most:,} bytes.", code="request_too_large")
