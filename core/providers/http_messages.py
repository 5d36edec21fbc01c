"""A request and the beginning of its answer, as the transports take and give them.

httpx's own are made for any use there is, and take a tenth of the time of a whole call to make and to read.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

import httpx

__all__ = ("HttpAnswer", "HttpBody", "HttpRequest", "Timeouts", "read_headers")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How many seconds each step may take; ``None`` for as long as it takes.

    Attributes:
        connect: a new connection, TLS included.
        read: until the next byte of the answer.
        write: until the server has taken more of the request.
    """

    connect: float | None = None
    read: float | None = None
    write: float | None = None


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to send; ``Host`` and ``Content-Length`` are added."""

    method: str
    url: httpx.URL
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""
    timeouts: Timeouts = field(default_factory=Timeouts)


class HttpBody(Protocol):
    """The bytes of an answer as they arrive, and its connection until it is closed."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, as they were sent."""

    async def aclose(self) -> None:
        """Let go of the connection; safe to call twice."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The head of an answer, and the body to come.

    Attributes:
        headers: names in lower case; the values of one that is there several times are joined by commas.
    """

    status: int
    headers: Mapping[str, str]
    body: HttpBody

    def chunks(self) -> AsyncGenerator[bytes]:
        """The body, no longer compressed; close the generator when done."""
        if "content-encoding" in self.headers:
            compressed = httpx.Response(
                self.status, headers=self.headers, stream=cast("httpx.AsyncByteStream", _Stream(self.body))
            )
            return cast("AsyncGenerator[bytes]", compressed.aiter_bytes())
        return cast("AsyncGenerator[bytes]", aiter(self.body))


class _Stream(httpx.AsyncByteStream):
    """A body as httpx has it."""

    def __init__(self, body: HttpBody) -> None:
        self._body = body

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._body)

    async def aclose(self) -> None:
        await self._body.aclose()


def read_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """As `HttpAnswer` has them."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
