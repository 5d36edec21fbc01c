"""No request waits for a handshake where there was a moment to prepare: counted at the server."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.providers import http_transport
from core.providers.dialling import Dialler, Origin
from core.providers.http_messages import HttpRequest, Timeouts
from core.providers.http_transport import HttpTransport
from core.providers.http_wire import Wire
from core.providers.warmth import Warmth

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
NO_BODY = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"


class Server:
    """Answers every request on as many connections as come, and numbers them from 1.

    Attributes:
        asked: the connection of each request.
        probes: that of each request for the root.
        open: the connections that are.
        paused: they are accepted and nothing is read from them.
    """

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.probes: list[int] = []
        self.accepted = 0
        self.open: dict[int, asyncio.StreamWriter] = {}
        self.url = ""
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def drop_idle(self, *, reset: bool = False) -> None:
        """Close every connection, and wait until the client has noticed."""
        dropped = [*self.open]
        for number in dropped:
            if reset:
                self.socket(number).setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.open[number].transport.abort()
            else:
                self.open[number].close()
        await self.until(lambda: not any(number in self.open for number in dropped))

    def socket(self, number: int) -> socket.socket:
        found: socket.socket = self.open[number].get_extra_info("socket")
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        number = self.accepted
        self.open[number] = writer
        self._changed.set()
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                probe = head.startswith(b"HEAD")
                (self.probes if probe else self.asked).append(number)
                if b"/silent" not in head:
                    writer.write(NO_BODY if probe else HALF if b"/half" in head else WHOLE)
                self._changed.set()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            del self.open[number]
            writer.close()
            self._changed.set()


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with listening:
        yield server
        for writer in [*server.open.values()]:
            writer.close()
        listening.close()


class CountingDialler(Dialler):
    """Counts the connections it has made."""

    def __init__(self) -> None:
        super().__init__(None)
        object.__setattr__(self, "made", 0)

    async def connect(self, origin: Origin, seconds: float | None) -> Wire:
        wire = await super().connect(origin, seconds)
        object.__setattr__(self, "made", self.made + 1)
        return wire


class Client:
    """A transport, and what is done with it."""

    def __init__(self, server: Server) -> None:
        self.slept = 0.0
        self.dialler = CountingDialler()
        self.transport = HttpTransport(
            self.dialler, keep_alive=60, most_idle=8, wall_clock=lambda: self._now() + self.slept
        )
        self._server = server

    async def warm(self) -> bool:
        return await self.transport.warm(self._request("HEAD", "/"))

    async def turn(self) -> None:
        """A whole answer."""
        response = await self.transport.ask(self._request("POST", "/whole"))
        assert b"".join([piece async for piece in response.body]) == b"hello"
        await response.body.aclose()

    async def interrupted(self) -> None:
        """An answer that is left in its midst."""
        response = await self.transport.ask(self._request("POST", "/half"))
        assert await anext(aiter(response.body)) == b"hel"
        await response.body.aclose()

    async def in_vain(self) -> None:
        """A request that is not answered."""
        await self.transport.ask(self._request("POST", "/silent"))

    async def moment(self) -> None:
        """Until nothing is being made any more, and the server has seen it all."""
        for server in self.transport._kept._servers.values():
            if server.making is not None:
                await asyncio.wait((server.making,))
        await self._server.until(lambda: self._server.accepted == self.dialler.made)

    def _request(self, method: str, path: str) -> HttpRequest:
        return HttpRequest(method, httpx.URL(self._server.url + path), timeouts=Timeouts(5.0, 5.0, 5.0))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Server, Client]]:
    async with serving() as server:
        client = Client(server)
        try:
            yield server, client
        finally:
            await client.transport.aclose()


async def test_warming_sends_nothing_and_the_next_request_uses_what_it_made() -> None:
    async with connected() as (server, client):
        assert await client.warm()
        await client.turn()
        assert (server.asked, server.probes) == ([1], [])


async def test_who_never_warms_has_none_in_reserve() -> None:
    async with connected() as (server, client):
        await client.turn()
        await client.interrupted()
        await client.moment()
        assert (server.asked, server.accepted) == ([1, 1], 1)


async def test_an_interrupted_answer_costs_no_handshake() -> None:
    async with connected() as (server, client):
        await client.warm()
        for _ in range(5):
            await client.interrupted()
            await client.moment()
            ahead = server.accepted
            await client.turn()
            assert server.asked[-1] <= ahead
        await client.moment()
        assert server.accepted == 5 + 2  # one an interruption, one in use, one in reserve


async def test_it_tells_how_many_are_in_use_and_how_many_in_reserve() -> None:
    async with connected() as (_, client):
        transport = client.transport
        assert transport.warmth == Warmth()
        await client.warm()
        assert transport.warmth == Warmth(in_use=0, in_reserve=1)
        response = await transport.ask(client._request("POST", "/half"))
        await client.moment()
        assert transport.warmth == Warmth(in_use=1, in_reserve=1)
        await response.body.aclose()
        assert transport.warmth == Warmth(in_use=0, in_reserve=1)
        transport._kept._keep_alive = 0.0
        assert transport.warmth == Warmth(), "one that has rested for too long is none"


async def test_a_request_that_comes_too_soon_waits_for_the_one_that_is_being_made() -> None:
    async with connected() as (server, client):
        warming = asyncio.create_task(client.warm())
        await asyncio.sleep(0)
        await client.turn()
        assert await warming
        assert server.asked == [1]


async def test_of_two_that_come_too_soon_the_second_makes_its_own() -> None:
    async with connected() as (server, client):
        warming = asyncio.create_task(client.warm())
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await asyncio.gather(client.turn(), client.turn())
        await warming
        assert sorted(server.asked) == [1, 2]


@pytest.mark.parametrize("reset", [False, True])
async def test_what_the_server_closes_is_made_again_before_it_is_needed(reset: bool) -> None:
    async with connected() as (server, client):
        await client.warm()
        await client.turn()
        await client.moment()
        await server.drop_idle(reset=reset)
        await server.until(lambda: server.open != {})
        await client.moment()
        ahead = server.accepted
        await client.turn()
        assert server.asked == [1, ahead]


async def test_a_server_that_closes_them_at_once_is_left_in_peace() -> None:
    async with connected() as (server, client):
        await client.warm()
        for closed in range(1, 5):
            await server.drop_idle()
            await client.moment()
            if closed < 4:
                await server.until(lambda closed=closed: server.accepted == closed + 1)
                await client.moment()
        assert (server.accepted, server.open) == (4, {})
        await client.turn()
        assert server.asked == [5]


async def test_one_that_has_rested_long_is_asked_whether_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected() as (server, client):
        await client.warm()
        await client.turn()
        await client.moment()
        assert await client.warm()
        assert server.probes == []
        monkeypatch.setattr(http_transport, "_TRUSTED", 0.0)
        assert await client.warm()
        assert len(server.probes) == 1
        await client.turn()
        assert server.asked == [1, server.probes[0]]


async def test_nothing_is_trusted_after_the_machine_has_slept() -> None:
    async with connected() as (server, client):
        await client.warm()
        await client.turn()
        await client.moment()
        client.slept = 3600.0
        assert await client.warm()
        await client.turn()
        assert server.asked == [1, 3]
        client.slept += 3600.0
        await client.turn()
        assert server.asked[2] > 3


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_void_p))


def lose_everything(sock: socket.socket) -> None:
    """What arrives from now on is lost before TCP sees it, as if the other machine were gone."""
    program = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0
    told = _Filter(1, ctypes.addressof(program))
    sock.setsockopt(socket.SOL_SOCKET, 26, bytes(told))  # SO_ATTACH_FILTER


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can lose packets for one socket")
class TestDeadWithoutASign:
    """The other end is gone and never said so, as after a change of networks."""

    async def test_warming_finds_out_and_the_request_is_not_delayed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http_transport, "_TRUSTED", 0.0)
        monkeypatch.setattr(http_transport, "_CONFIRMED_SOON", 0.2)
        async with connected() as (server, client):
            await client.warm()
            await client.turn()
            await client.moment()
            for number in server.open:
                lose_everything(server.socket(number))
            dead = {*server.open}
            assert await client.warm()
            await client.turn()
            assert server.asked[-1] not in dead
            assert server.probes == []

    async def test_a_request_without_warning_loses_no_more_than_is_allowed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(http_transport, "_TRUSTED", 0.0)
        monkeypatch.setattr(http_transport, "_CONFIRMED_SOON", 0.2)
        async with connected() as (server, client):
            await client.turn()
            lose_everything(server.socket(1))
            async with asyncio.timeout(4):  # the limit on silence is 5 s
                await client.turn()
            assert server.asked == [1, 2]


async def test_closing_ends_what_is_being_made() -> None:
    with closing(socket.socket()) as full:  # a listener whose queue is full accepts nobody
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for queued in waiting:
            queued.setblocking(False)
            queued.connect_ex(full.getsockname())
        server = Server()
        server.url = f"http://127.0.0.1:{full.getsockname()[1]}"
        client = Client(server)
        warming = asyncio.create_task(client.warm())
        await asyncio.sleep(0)
        await client.transport.aclose()
        assert await warming is False
        assert {task for task in asyncio.all_tasks() if task.get_name().startswith("connect")} == set()
        for queued in waiting:
            queued.close()


async def test_closing_keeps_none_for_a_request_that_waited_for_one() -> None:
    async with connected() as (server, client):
        warming = asyncio.create_task(client.warm())
        await asyncio.sleep(0)
        turning = asyncio.create_task(client.turn())
        await asyncio.sleep(0)
        await client.transport.aclose()
        assert await warming is False
        await turning  # on a connection of its own
        await client.moment()
        await server.until(lambda: server.open == {})
        assert client.transport.warmth == Warmth(0, 0)


async def test_warming_after_the_end_makes_none() -> None:
    async with connected() as (_, client):
        await client.transport.aclose()
        assert await client.warm() is False
        assert client.dialler.made == 0


async def test_what_closing_broke_off_is_not_sent_again() -> None:
    async with connected() as (server, client):
        await client.turn()
        asking = asyncio.create_task(client.in_vain())
        await server.until(lambda: len(server.asked) == 2)
        await client.transport.aclose()
        with pytest.raises(httpx.RemoteProtocolError):
            await asking
        assert server.asked == [1, 1]


STEPS = st.lists(st.sampled_from(["turn", "interrupted", "drop", "reset", "warm", "sleep"]), max_size=12)


@settings(deadline=None, max_examples=40)
@given(steps=STEPS)
async def test_whatever_happens_a_request_finds_a_connection_that_was_there_before_it(
    steps: list[str],
) -> None:
    async with connected() as (server, client):
        await client.warm()
        for step in [*steps, "turn"]:
            before, asked = server.accepted, len(server.asked)
            match step:
                case "drop" | "reset":
                    await server.drop_idle(reset=step == "reset")
                    await client.warm()
                case "warm":
                    assert await client.warm()
                case "sleep":
                    client.slept += 600
                    await client.warm()
                case "interrupted":
                    await client.interrupted()
                case _:
                    await client.turn()
            await client.moment()
            await server.until(lambda: server.open != {})
            assert [number for number in server.asked[asked:] if number > before] == []
            assert len(server.open) <= 3
