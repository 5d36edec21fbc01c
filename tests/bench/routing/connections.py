"""Turns that wait for a handshake: ours beside bare httpx, counted at the server.

A conversation of 100 turns with the pauses of a person, every fifth answer interrupted, before a server that
keeps idle connections for 75 s. All of these times are divided by 200, and so are the times for which
clients keep a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from typing import Protocol

import httpx

from core.providers.dialling import Dialler
from core.providers.http_messages import HttpBody, HttpRequest, Timeouts
from core.providers.http_transport import HttpTransport

__all__ = ("main",)

_SEED = 6
_TURNS = 100
_INTERRUPTED = 5
"""Every so many turns the answer is left in its midst."""
_SCALE = 1 / 200
_TIMEOUTS = Timeouts(5, 5, 5)
_SERVER_KEEPS = 75 * _SCALE
_PIECE = b"5\r\nhello\r\n"
_HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@dataclass
class _Server:
    """Streams an answer to each request, and numbers its connections from 1."""

    url: str = ""
    accepted: int = 0
    last: int = 0
    """The connection of the last request."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        number = self.accepted
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            while True:
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _SERVER_KEEPS)
                if head.startswith(b"HEAD"):
                    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                    continue
                self.last = number
                writer.write(_HEAD + _PIECE)
                await asyncio.sleep(_SCALE)
                writer.write(_PIECE + b"0\r\n\r\n")
        writer.close()


@contextlib.asynccontextmanager
async def _serving() -> AsyncIterator[_Server]:
    server = _Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    async with listening:
        yield server


class _Client(Protocol):
    """Someone who asks for answers."""

    async def warm(self, url: str) -> None:
        """Somebody types: a question will follow."""

    async def ask(self, url: str) -> HttpBody:
        """The answer to a question."""

    async def aclose(self) -> None:
        """Close the connections."""


class _Ours:
    def __init__(self) -> None:
        self._transport = HttpTransport(Dialler(None), keep_alive=300 * _SCALE, most_idle=8)
        self.aclose = self._transport.aclose

    async def warm(self, url: str) -> None:
        await self._transport.warm(HttpRequest("HEAD", httpx.URL(url), timeouts=_TIMEOUTS))

    async def ask(self, url: str) -> HttpBody:
        request = HttpRequest("POST", httpx.URL(url), content=b"{}", timeouts=_TIMEOUTS)
        return (await self._transport.ask(request)).body


class _Httpx:
    def __init__(self, seconds: float) -> None:
        limits = httpx.Limits(max_connections=8, keepalive_expiry=seconds * _SCALE)
        self._transport = httpx.AsyncHTTPTransport(verify=False, limits=limits)
        self.aclose = self._transport.aclose

    async def warm(self, url: str) -> None:
        """It has no such thing."""

    async def ask(self, url: str) -> HttpBody:
        timeout = httpx.Timeout(5).as_dict()
        request = httpx.Request("POST", url, content=b"{}", extensions={"timeout": timeout})
        response = await self._transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        return response.stream


async def _turn(client: _Client, url: str, *, interrupted: bool) -> None:
    async with contextlib.aclosing(await client.ask(url)) as body:
        async for _ in body:
            if interrupted:
                break


async def _conversation(client: _Client) -> int:
    """How many of the turns waited for a handshake."""
    rng, waited = Random(_SEED), 0
    async with _serving() as server:
        for turn in range(_TURNS):
            await asyncio.sleep(rng.expovariate(1 / 20) * _SCALE)  # reads for 20 s on average
            await client.warm(server.url)
            await asyncio.sleep(rng.uniform(2, 10) * _SCALE)  # types
            before = server.accepted
            await _turn(client, server.url, interrupted=turn % _INTERRUPTED == 0)
            waited += server.last > before
        await client.aclose()
        await asyncio.sleep(0.05)  # the server notices
    return waited


async def _compare() -> dict[str, int]:
    names = ("tensorwall", "httpx, its default of 5 s", "httpx, kept for 300 s")
    waited = await asyncio.gather(
        _conversation(_Ours()), _conversation(_Httpx(5)), _conversation(_Httpx(300))
    )
    return dict(zip(names, waited, strict=True))


def main() -> None:
    """Print the table."""
    print(f"Handshakes on the way of {_TURNS} turns, every {_INTERRUPTED}th interrupted (seed {_SEED})")
    for name, waited in asyncio.run(_compare()).items():
        print(f"  {name:28}{waited:4}")


if __name__ == "__main__":
    main()
