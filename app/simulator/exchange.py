"""One HTTP request and its answer, as raw ASGI so that each write is exactly what a client reads."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from app.simulator.connections import Connection
from app.simulator.errors import ApiError
from app.simulator.organizations import Outcome, ReceivedRequest
from app.simulator.wire import dump

__all__ = ("MOST_BYTES", "Exchange")

MOST_BYTES = 20 * 1024 * 1024
"""Of a request's body, where the endpoint does not say otherwise."""


class Exchange:
    """Reads the request and writes the answer.

    Attributes:
        started: when the request came, on the loop's clock.
        log: where the outcome is noted; set once the account is known.
        headers: added to every answer.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.started = asyncio.get_running_loop().time()
        self.connection: Connection = scope["state"]["connection"]
        self.connection.requests += 1
        self.request_headers = Headers(scope=scope)
        self.headers: dict[str, str] = {}
        self.log: ReceivedRequest | None = None
        self._receive = receive
        self._send = send

    @property
    def api_key(self) -> str | None:
        """The bearer token; ``None`` where there is none."""
        scheme, _, token = self.request_headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" and token.strip() else None

    async def body(self, most: int = MOST_BYTES) -> bytes:
        """The whole request body.

        Raises:
            ApiError: 413 when it is larger than ``most`` bytes.
        """
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self._receive()
            chunk = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            more = message.get("more_body", False)
            if size > most:
                raise ApiError(413, "Request Entity Too Large", code="request_too_large")
        return b"".join(chunks)

    async def unless_disconnected(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work``, cancelled as soon as the client closes the connection."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(work)
            watcher = group.create_task(self._cancel_on_disconnect(task))
            task.add_done_callback(lambda _: watcher.cancel())

    async def _cancel_on_disconnect(self, task: asyncio.Task[None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if task.cancel():
            self.note("disconnected")

    async def start(self, status: int, headers: Mapping[str, str]) -> None:
        """Write the status line and the headers."""
        if self.log is not None:
            self.log.status = status
        raw = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in (self.headers | dict(headers)).items()
        ]
        message: Message = {"type": "http.response.start", "status": status, "headers": raw}
        await self._send(message)

    async def write(self, data: bytes) -> None:
        """Write a piece of the body."""
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self) -> None:
        """End the body."""
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Write a whole answer."""
        await self.start(status, {**headers, "content-length": str(len(body))})
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def answer_json(
        self, value: object, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Write a whole JSON answer."""
        await self.answer(
            status, dump(value).encode(), {**(headers or {}), "content-type": "application/json"}
        )

    async def refuse(self, error: ApiError) -> None:
        """Answer with an error."""
        self.note("refused")
        await self.answer_json(error.body, error.status, error.headers)

    async def break_off(self, *, reset: bool) -> None:
        """End the connection in the middle of the answer; returns once it is gone."""
        self.note("broken")
        if reset:
            self.connection.reset()
        else:
            self.connection.close()
        await self.hang()

    async def hang(self) -> None:
        """Do nothing until the connection is gone, which cancels this."""
        await asyncio.Event().wait()

    def note(self, outcome: Outcome) -> None:
        """Write down how it went; the first outcome stays."""
        if self.log is not None and self.log.outcome == "answering":
            self.log.outcome = outcome

    def note_tokens(self, count: int) -> None:
        """Write down how many tokens were sent."""
        if self.log is not None:
            self.log.tokens_sent = count
