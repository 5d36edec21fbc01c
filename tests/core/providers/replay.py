"""A small HTTP server that replays exact bytes: for faults that no well-behaved server can produce."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Literal


@dataclass
class Reply:
    """Bytes to send, one write a piece, and what to do with the connection then."""

    pieces: list[bytes]
    then: Literal["keep", "close", "reset", "hang"] = "keep"


@dataclass
class Received:
    """A request as it came, and on which connection, from 1."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def frame(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def head(status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    fields = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return f"HTTP/1.1 {status} Reason\r\n{fields}\r\n".encode()


def answer(
    body: bytes | str | dict[str, Any] | list[Any],
    status: int = 200,
    headers: dict[str, str] | None = None,
    content_type: str = "application/json",
) -> Reply:
    """A body in one piece."""
    data = (
        body
        if isinstance(body, bytes)
        else body.encode()
        if isinstance(body, str)
        else json.dumps(body).encode()
    )
    fields = {"content-type": content_type, "content-length": str(len(data))} | (headers or {})
    return Reply([head(status, fields) + data])


def stream(
    *pieces: bytes,
    then: Literal["keep", "close", "reset", "hang"] = "keep",
    end: bool = True,
    headers: dict[str, str] | None = None,
    content_type: str = "text/event-stream",
) -> Reply:
    """A body in chunks, one a piece; without ``end`` the last chunk is missing."""
    fields = {"content-type": content_type, "transfer-encoding": "chunked"} | (headers or {})
    framed = [frame(piece) for piece in pieces]
    return Reply([head(200, fields), *framed, *([b"0\r\n\r\n"] if end else [])], then)


def event(payload: object, name: str | None = None) -> bytes:
    data = payload if isinstance(payload, str) else json.dumps(payload)
    return (f"event: {name}\n" if name else "").encode() + f"data: {data}\n\n".encode()


def delta(finish_reason: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


DONE = b"data: [DONE]\n\n"
HELLO = (
    event(delta(role="assistant", content="")),
    event(delta(content="Hel")),
    event(delta(content="lo")),
    event(delta("stop") | {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}),
    DONE,
)


@dataclass
class ReplayServer:
    """Answers each request with the next of its replies, or the last one again."""

    port: int = 0
    scheme: str = "http"
    replies: deque[Reply] = field(default_factory=deque)
    requests: list[Received] = field(default_factory=list)
    accepted: int = 0
    open: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/v1"

    def reply(self, *replies: Reply) -> None:
        self.replies.extend(replies)

    async def until(self, holds: Callable[[ReplayServer], bool]) -> None:
        async with asyncio.timeout(10), self._changed:
            await self._changed.wait_for(lambda: holds(self))

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = next(self._numbers)
        await self._count(opened=1)
        try:
            while (received := await _read_request(reader, connection)) is not None:
                self.requests.append(received)
                await self._count()
                if received.method == "HEAD":
                    writer.write(head(404, {"content-length": "0"}))
                    continue
                reply = self.replies.popleft() if len(self.replies) > 1 else self.replies[0]
                for piece in reply.pieces:
                    writer.write(piece)
                    await writer.drain()
                if reply.then == "hang":
                    await reader.read()
                elif reply.then == "reset":
                    writer.transport.abort()
                if reply.then != "keep":
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            await self._count(closed=1)

    async def _count(self, *, opened: int = 0, closed: int = 0) -> None:
        async with self._changed:
            self.accepted += opened
            self.open += opened - closed
            self._changed.notify_all()


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Received | None:
    try:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method, target, headers, body, connection)


@asynccontextmanager
async def replaying(tls: ssl.SSLContext | None = None) -> AsyncIterator[ReplayServer]:
    replay = ReplayServer(scheme="https" if tls else "http")
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        await replay.handle(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    replay.port = server.sockets[0].getsockname()[1]
    try:
        yield replay
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


def cut(data: bytes, sizes: Iterable[int]) -> list[bytes]:
    """The bytes in pieces of these sizes, the rest last."""
    pieces, start = [], 0
    for size in sizes:
        pieces.append(data[start : start + size])
        start += size
    return [*pieces, data[start:]]
