"""The transport against a server that writes its bytes exactly as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.providers.dialling import Dialler
from core.providers.http_messages import HttpRequest, Timeouts
from core.providers.http_transport import HttpTransport

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Name: One\r\nx-name: two\r\n\r\n"
    b"3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nTrailer: x\r\n\r\n"
)
UNTIL_END = b"HTTP/1.1 200 OK\r\n\r\nhello"


class Server:
    """What happened at the other end."""

    def __init__(self) -> None:
        self.port = 0
        self.accepted = 0
        self.open = 0
        self.changed = asyncio.Event()
        self.heads: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/x?y=1"

    async def until(self, condition: Callable[[Server], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition(self):
                self.changed.clear()
                await self.changed.wait()

    async def request(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request, and give its body."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        sizes = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return await reader.readexactly(int(sizes[0].split(b":")[1])) if sizes else b""


@asynccontextmanager
async def serving(serve: Callable[[Server], Serve]) -> AsyncIterator[Server]:
    server = Server()
    act = serve(server)

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.accepted += 1
        server.open += 1
        server.changed.set()
        try:
            await act(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            server.open -= 1
            server.changed.set()

    listening = await asyncio.start_server(connection, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
        listening.close()


def answers(*replies: bytes) -> Callable[[Server], Serve]:
    """One reply a request, on as many connections as come."""
    left = list(replies)

    def prepare(server: Server) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while left:
                await server.request(reader)
                reply = left.pop(0)
                writer.write(reply)
                await writer.drain()
                if reply in (b"", UNTIL_END) or b"close" in reply:
                    return
            await reader.read()

        return serve

    return prepare


def says_nothing(_: Server) -> Serve:
    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    return serve


@asynccontextmanager
async def transporting(**options: Any) -> AsyncIterator[HttpTransport]:
    settings: dict[str, Any] = {"keep_alive": 60.0, "most_idle": 4, **options}
    transport = HttpTransport(Dialler(None), **settings)
    try:
        yield transport
    finally:
        await transport.aclose()


def request(server: Server, method: str = "GET", content: bytes = b"", **timeouts: float) -> HttpRequest:
    limits = replace(Timeouts(5.0, 5.0, 5.0), **timeouts)
    return HttpRequest(method, httpx.URL(server.url), content=content, timeouts=limits)


async def fetch(transport: HttpTransport, server: Server, **options: object) -> bytes:
    response = await transport.ask(request(server, **options))
    body = b"".join([piece async for piece in response.body])
    await response.body.aclose()
    return body


@pytest.mark.parametrize("reply", [WHOLE, CHUNKED, UNTIL_END])
async def test_a_body_ends_where_it_says_or_with_its_connection(reply: bytes) -> None:
    async with serving(answers(reply)) as server, transporting() as transport:
        assert await fetch(transport, server) == b"hello"
    assert server.heads[0].startswith(b"GET /v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:")


@given(cuts=st.lists(st.integers(1, len(CHUNKED) - 1), max_size=12))
async def test_bytes_may_come_cut_in_any_way(cuts: list[int]) -> None:
    def prepare(server: Server) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            at = 0
            for cut in [*sorted(set(cuts)), len(CHUNKED)]:
                writer.write(CHUNKED[at:cut])
                await writer.drain()
                await asyncio.sleep(0)
                at = cut
            await reader.read()

        return serve

    async with serving(prepare) as server, transporting() as transport:
        response = await transport.ask(request(server))
        assert response.headers["x-name"] == "One, two"
        assert b"".join([piece async for piece in response.body]) == b"hello"


async def test_a_connection_is_used_again_once_its_answer_is_read() -> None:
    async with serving(answers(WHOLE, CHUNKED, WHOLE)) as server, transporting() as transport:
        assert [await fetch(transport, server) for _ in range(3)] == [b"hello"] * 3
        assert (server.accepted, server.open) == (1, 1)
    await server.until(lambda server: server.open == 0)


async def test_one_that_is_not_read_to_its_end_is_closed() -> None:
    async with serving(answers(CHUNKED[:-9], WHOLE)) as server, transporting() as transport:
        response = await transport.ask(request(server))
        assert await anext(aiter(response.body)) == b"hello"
        await response.body.aclose()
        await response.body.aclose()
        assert await fetch(transport, server) == b"hello"
        assert server.accepted == 2


async def test_one_that_the_server_ends_after_its_answer_is_not_used_again() -> None:
    last = WHOLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    async with serving(answers(last, WHOLE)) as server, transporting() as transport:
        assert await fetch(transport, server) == b"hello"
        assert await fetch(transport, server) == b"hello"
        assert server.accepted == 2


async def test_one_that_rests_for_too_long_is_not_used_again() -> None:
    async with serving(answers(WHOLE, WHOLE)) as server, transporting(keep_alive=0.0) as transport:
        await fetch(transport, server)
        await fetch(transport, server)
        assert server.accepted == 2


async def test_no_more_rest_than_are_allowed() -> None:
    async with serving(answers(*[WHOLE] * 6)) as server, transporting(most_idle=2) as transport:
        await asyncio.gather(*(fetch(transport, server) for _ in range(6)))
        await server.until(lambda server: server.open == 2)


async def test_what_arrives_unasked_ends_a_resting_connection() -> None:
    def prepare(server: Server) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await server.request(reader)
            writer.write(WHOLE + b"HTTP/1.1 408 Request Timeout\r\n\r\n" * (server.accepted == 1))
            await reader.read()

        return serve

    async with serving(prepare) as server, transporting() as transport:
        await fetch(transport, server)
        await server.until(lambda server: server.open == 0)
        assert await fetch(transport, server) == b"hello"


async def test_interim_answers_are_passed_over_and_heads_have_no_body() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + WHOLE
    head_only = WHOLE.removesuffix(b"hello")
    async with serving(answers(interim, head_only, WHOLE)) as server, transporting() as transport:
        response = await transport.ask(request(server))
        assert (response.status, "link" in response.headers) == (200, False)
        assert b"".join([piece async for piece in response.body]) == b"hello"
        assert await fetch(transport, server, method="HEAD") == b""
        assert await fetch(transport, server) == b"hello"
        assert server.accepted == 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (b"", httpx.RemoteProtocolError),
        (b"SSH-2.0-OpenSSH_9.2\r\nclose", httpx.RemoteProtocolError),
        (CHUNKED[:-20] + b"close", httpx.RemoteProtocolError),
        (WHOLE.replace(b"5", b"50") + b"close", httpx.RemoteProtocolError),
        (CHUNKED.replace(b"3\r\n", b"zz\r\n") + b"close", httpx.RemoteProtocolError),
    ],
)
async def test_what_is_no_whole_answer_is_an_error(reply: bytes, error: type[Exception]) -> None:
    async with serving(answers(reply)) as server, transporting() as transport:
        with pytest.raises(error):
            await fetch(transport, server)
        await server.until(lambda server: server.open == 0)
        assert server.accepted == 1


async def test_silence_is_an_error_before_the_answer_and_within_it() -> None:
    async with serving(answers(CHUNKED[:-9], CHUNKED[:-9])) as server, transporting() as transport:
        response = await transport.ask(request(server, read=0.05))
        with pytest.raises(httpx.ReadTimeout):
            _ = [piece async for piece in response.body]
        await response.body.aclose()
    async with serving(says_nothing) as server, transporting() as transport:
        with pytest.raises(httpx.ReadTimeout):
            await fetch(transport, server, read=0.05)


async def test_a_reader_that_takes_its_time_is_not_the_servers_silence() -> None:
    async with serving(answers(CHUNKED)) as server, transporting() as transport:
        response = await transport.ask(request(server, read=0.01))
        (wire,) = transport._in_use
        while wire._alarm is not None:  # noqa: ASYNC110 - it rings while nobody reads
            await asyncio.sleep(0)
        assert b"".join([piece async for piece in response.body]) == b"hello"


async def test_cancelling_closes_the_connection() -> None:
    async with serving(says_nothing) as server, transporting() as transport:
        asking = asyncio.create_task(fetch(transport, server))
        await server.until(lambda server: server.open == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await server.until(lambda server: server.open == 0)


async def test_a_server_faster_than_its_reader_has_to_wait() -> None:
    size = 8 * 1024 * 1024
    sent = 0

    def prepare(server: Server) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            await server.request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
            while sent < size:
                writer.write(b"x" * 65_536)
                await writer.drain()
                sent += 65_536
            await reader.read()

        return serve

    async with serving(prepare) as server, transporting() as transport:
        response = await transport.ask(request(server))
        stream = aiter(response.body)
        first = await anext(stream)
        (wire,) = transport._in_use
        while not wire._reading_is_paused:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert wire._unread < 1024 * 1024
        assert len(first) + sum([len(piece) async for piece in stream]) == size


async def test_a_large_request_that_leaves_slowly_leaves_whole() -> None:
    content = bytes(range(256)) * 32_768  # 8 MiB
    received = b""

    def prepare(server: Server) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal received
            received = await server.request(reader)
            writer.write(WHOLE)
            await reader.read()

        return serve

    async with serving(prepare) as server, transporting() as transport:
        assert await fetch(transport, server, method="POST", content=content) == b"hello"
    assert received == content


async def test_a_server_that_takes_nothing_is_given_up() -> None:
    def prepare(server: Server) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        return serve

    async with serving(prepare) as server, transporting() as transport:
        with pytest.raises(httpx.WriteTimeout):
            await fetch(transport, server, method="POST", content=b"x" * 30_000_000, write=0.2)


async def test_the_cause_of_no_connection_is_kept() -> None:
    async with transporting() as transport:
        refused = HttpRequest("GET", httpx.URL("http://127.0.0.1:9/"), timeouts=Timeouts(connect=5.0))
        with pytest.raises(httpx.ConnectError) as caught:
            await transport.ask(refused)
        assert isinstance(caught.value.__cause__, ConnectionRefusedError)
        with pytest.raises(httpx.UnsupportedProtocol):
            await transport.ask(HttpRequest("GET", httpx.URL("ftp://127.0.0.1/")))
