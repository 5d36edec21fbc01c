"""A client's connection: how long it may keep the gateway waiting where no application sees it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.gateway.api_errors import ApiError
from app.gateway.presence import EXTENSION, Presence

__all__ = ("Connection",)

_MOST_HEAD_BYTES = 128 * 1024
"""More than `Guard` admits, which tells precisely what is too large."""
_LINGER = 2.0
"""Seconds for which a refused client is still listened to, and not heard: a connection that is closed over
unread bytes is reset, and the refusal lost with it (RFC 9112, 9.6)."""


class Connection(HttpToolsProtocol):
    """uvicorn's connection, where heads of requests have to arrive and to end, and answers to be read.

    uvicorn itself would wait for ever.

    Args:
        patience: seconds to wait for either.
        given: what uvicorn gives.
    """

    def __init__(self, *given: Any, patience: float, **named: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*given, **named)
        self._patience = patience
        self._presence = Presence()
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._in_head = False
        self._received = 0
        self._lingering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """A client is there; it may as well send nothing."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Read on; what leaves a head unfinished is counted, and timed."""
        if self._lingering is not None:
            return
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head:
            self._received += len(data)
            if self._received > _MOST_HEAD_BYTES:
                self._refuse(431, "The request's head has no end.", "headers_too_large")
                return
        if self._deadline is None and self._is_idle:
            self._await_head()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._in_head, self._received = True, 0

    def on_headers_complete(self) -> None:
        """From here on the application sees to it."""
        self._in_head = False
        self._stop_waiting()
        self.scope["extensions"] = {EXTENSION: self._presence}  # type: ignore[dict-item]  # any, says ASGI
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The next head may have begun before."""
        super().on_response_complete()
        if self._in_head and self._deadline is None:
            self._await_head()

    def pause_writing(self) -> None:
        """The client reads more slowly than the answer comes, or not at all."""
        super().pause_writing()
        self._unread = self.loop.call_later(self._patience, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads."""
        self._stop_minding_the_unread()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_waiting()
        self._stop_minding_the_unread()
        if self._lingering is not None:
            self._lingering.cancel()
        super().connection_lost(exc)
        self._presence.leave()

    def send_400_response(self, msg: str) -> None:
        """What arrived is no request."""
        self._refuse(400, msg, "invalid_http")

    @property
    def _is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        self._deadline = self.loop.call_later(self._patience, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_minding_the_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _give_up(self) -> None:
        self._deadline = None
        if not self._is_idle:
            return  # it is seen to when that is answered
        if self._in_head:
            self._refuse(408, f"The request's head did not arrive within {self._patience:g} seconds.")
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str, code: str | None = None) -> None:
        """Answer, where no answer is under way, and close."""
        if self._is_idle:
            body = ApiError(status, message, code=code).body
            head = (
                f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
                "content-type: application/json\r\n"
                f"content-length: {len(body)}\r\n"
                "connection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        if self._is_idle and self.transport.can_write_eof():
            self.transport.write_eof()
            self._stop_waiting()
            self._lingering = self.loop.call_later(_LINGER, self.transport.close)
        else:
            self.transport.close()
