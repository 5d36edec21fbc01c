"""The transport beside httpx's own, turn by turn in one process: the processor time of a whole call."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from functools import partial

import httpx

from core.providers.dialling import Dialler
from core.providers.http_messages import HttpRequest, Timeouts
from core.providers.http_transport import HttpTransport

__all__ = ("processor_time",)

_ROUNDS = 5
_CALLS = 300
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):  # the client is done
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(size)
            writer.write(_ANSWER)
    writer.close()


async def _call_by_httpx(transport: httpx.AsyncHTTPTransport, url: httpx.URL) -> None:
    request = httpx.Request("POST", url, content=b"{}", extensions={"timeout": httpx.Timeout(5).as_dict()})
    response = await transport.handle_async_request(request)
    async for _ in response.stream:  # type: ignore[union-attr]
        pass
    await response.aclose()


async def _call(transport: HttpTransport, url: httpx.URL) -> None:
    answer = await transport.ask(HttpRequest("POST", url, content=b"{}", timeouts=Timeouts(5, 5, 5)))
    async for _ in answer.body:
        pass
    await answer.body.aclose()


async def _measure(port: int) -> dict[str, float]:
    url = httpx.URL(f"http://127.0.0.1:{port}/v1/chat/completions")
    theirs = httpx.AsyncHTTPTransport(verify=False)
    ours = HttpTransport(Dialler(None), keep_alive=60, most_idle=8)
    calls = {"httpx": partial(_call_by_httpx, theirs), "tensorwall": partial(_call, ours)}
    figures: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(_ROUNDS):
        for name, call in calls.items():
            began = time.thread_time()
            for _ in range(_CALLS):
                await call(url)
            figures[name].append((time.thread_time() - began) / _CALLS * 1e6)
    await theirs.aclose()
    await ours.aclose()
    return {name: statistics.median(seconds) for name, seconds in figures.items()}


async def _beside_server() -> dict[str, float]:
    """The server runs in a thread of its own, so that its time is not counted."""
    loop, started = asyncio.get_running_loop(), asyncio.Event()
    ports: list[int] = []
    ended = asyncio.Event()
    server_loop = asyncio.new_event_loop()

    async def serving() -> None:
        server = await asyncio.start_server(_serve, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        loop.call_soon_threadsafe(started.set)
        await ended.wait()
        server.close()

    running = asyncio.create_task(asyncio.to_thread(server_loop.run_until_complete, serving()))
    await started.wait()
    try:
        return await _measure(ports[0])
    finally:
        server_loop.call_soon_threadsafe(ended.set)
        await running
        server_loop.close()


def processor_time() -> dict[str, float]:
    """Microseconds of processor time a call, by transport; medians of five rounds."""
    return asyncio.run(_beside_server())
