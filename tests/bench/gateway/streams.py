"""A client of paced streams that notes when each chunk arrives: a process of its own, ended by its input.

It reads one JSON object from standard input: ``address``, ``headers``, ``body``, ``streams``, ``repeats``.
Each stream is asked for over its own connection, ``repeats`` times in turn. When all streams have given a
chunk it prints ``open``; when all are over, the delays from each chunk's stamp to its arrival in nanoseconds.
When its input closes before that, it ends.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import uvloop

_STAMP = re.compile(rb"@(\d+)@")
_END = b"data: [DONE]"


class Stream(asyncio.Protocol):
    """One connection; ``opened`` and ``over`` are futures that it settles."""

    def __init__(self, request: bytes, repeats: int, delays: list[int]) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        self._request = request
        self._left = repeats
        self._delays = delays
        self._unread = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        arrived = time.monotonic_ns()
        unread = self._unread + data
        end = 0
        for stamp in _STAMP.finditer(unread):
            self._delays.append(arrived - int(stamp[1]))
            end = stamp.end()
        if end and not self.opened.done():
            self.opened.set_result(None)
        self._unread = unread[end:]
        if _END in self._unread and self._unread.endswith(b"0\r\n\r\n"):
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        failure = exc or ConnectionError(f"closed with {self._unread[-500:]!r} unread")
        for future in (self.opened, self.over):
            if not future.done():
                future.set_exception(failure)
                future.exception()  # one failure tells for all

    def _ask(self) -> None:
        self._unread = b""
        if self._left:
            self._left -= 1
            self._transport.write(self._request)
        else:
            self.over.set_result(None)
            self._transport.close()


def request(address: str, headers: dict[str, str], body: str) -> bytes:
    """The bytes of it."""
    url = urlsplit(address)
    lines = [f"POST {url.path} HTTP/1.1", f"Host: {url.netloc}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()


async def run(address: str, headers: dict[str, str], body: str, streams: int, repeats: int) -> list[int]:
    """Every chunk's delay."""
    url, loop = urlsplit(address), asyncio.get_running_loop()
    asked, delays = request(address, headers, body), list[int]()
    opened = []
    for _ in range(streams):
        _, stream = await loop.create_connection(
            lambda: Stream(asked, repeats, delays), url.hostname, url.port
        )
        opened.append(stream)
    over = asyncio.gather(*(stream.over for stream in opened))
    stopped = loop.create_future()
    loop.add_reader(sys.stdin, lambda: stopped.done() or stopped.set_result(None))
    await asyncio.gather(*(stream.opened for stream in opened))
    print("open", flush=True)
    await asyncio.wait([over, stopped], return_when=asyncio.FIRST_COMPLETED)
    if not over.done():
        raise SystemExit
    over.result()
    return delays


def main() -> None:
    order = json.loads(sys.stdin.readline())
    try:
        delays = uvloop.run(run(**order))
    except OSError as error:
        raise SystemExit(f"{order['address']}: {error}") from error
    print(json.dumps(delays))


if __name__ == "__main__":
    main()
