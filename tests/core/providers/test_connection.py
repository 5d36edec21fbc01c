from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.chat import ChatRequest, Event, Message, TextDelta
from core.errors import ConnectionFailed
from core.providers import OpenAICompatibleProvider, connection, groq_provider
from core.providers.connection import proxy_for
from core.providers.connection_errors import send_error
from core.providers.http_wire import Wire
from core.providers.profiles import OLLAMA, OPENAI
from core.providers.upstream import Upstream
from core.providers.warmth import Warmth
from tests.core.providers.replay import HELLO, ReplayServer, Reply, answer, replaying, stream

MakeProvider = Callable[..., OpenAICompatibleProvider]
REQUEST = ChatRequest(model="alias", messages=[Message(role="user", content="Hi")])
CERTIFICATE = Path(__file__).parent / "localhost.pem"


async def collect(provider: OpenAICompatibleProvider) -> list[Event]:
    return [each async for each in provider.stream(REQUEST, model="m")]


@asynccontextmanager
async def greeting(sent: bytes) -> AsyncIterator[int]:
    """A server that sends this, whatever it is asked, and closes; gives its port."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(sent)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_warming_opens_the_connection_the_call_uses_and_asks_nothing(
    server: ReplayServer, provider: OpenAICompatibleProvider
) -> None:
    server.reply(stream(*HELLO))
    assert await provider.warm() is True
    await server.until(lambda server: server.open == 1)
    await collect(provider)
    (call,) = server.requests
    assert (call.method, call.connection) == ("POST", 1)
    await server.until(lambda server: server.open == 2)  # and one in reserve from now on


async def test_warming_while_a_call_runs_makes_a_spare(
    server: ReplayServer, provider: OpenAICompatibleProvider
) -> None:
    server.reply(stream(*HELLO[:2], end=False, then="hang"), stream(*HELLO))
    events = provider.stream(REQUEST, model="m")
    await anext(events)
    assert await provider.warm() is True
    await events.aclose()  # an interrupted call costs its connection
    await server.until(lambda server: server.open == 1)
    await collect(provider)
    assert [call.connection for call in server.requests] == [1, 2]


async def test_warming_needs_no_key_and_never_raises(server: ReplayServer, closed_port: int) -> None:
    there = groq_provider.with_overrides(None, server.url)
    assert await there.warm() is True
    await there.aclose()
    for url in (f"http://127.0.0.1:{closed_port}/v1", "http://nowhere.invalid/v1", "no address", "ftp://x"):
        nowhere = groq_provider.with_overrides(None, url)
        assert await nowhere.warm() is False
        await nowhere.aclose()


async def test_a_kept_connection_that_the_server_closed_is_replaced_unseen(
    server: ReplayServer, provider: OpenAICompatibleProvider
) -> None:
    # The second request meets a connection that dies without an answer.
    server.reply(stream(*HELLO), Reply([], then="close"), stream(*HELLO))
    await collect(provider)
    assert TextDelta("Hel") in await collect(provider)
    assert len(server.requests) == 3
    assert server.accepted == 2


async def test_what_a_server_may_have_begun_with_is_not_sent_again_unseen(
    server: ReplayServer, provider: OpenAICompatibleProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be billed: a further try is the router's, which books it as a call of its own."""
    monkeypatch.setattr("core.providers.http_transport._AT_ONCE", 0.0)
    server.reply(stream(*HELLO), Reply([], then="close"), stream(*HELLO))
    await collect(provider)
    with pytest.raises(ConnectionFailed, match="closed the connection without an HTTP answer"):
        await collect(provider)
    assert len(server.requests) == 2


async def test_what_no_machine_has_confirmed_is_sent_again_however_late(
    server: ReplayServer, provider: OpenAICompatibleProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.providers.http_transport._AT_ONCE", 0.0)
    server.reply(stream(*HELLO))
    await collect(provider)
    ask, asked = Wire.ask, list[Wire]()

    async def first_is_not_confirmed(wire: Wire, *arguments: Any) -> None:
        asked.append(wire)
        if len(asked) == 1:
            wire.answered = False
            raise httpx.ReadError("lost") from TimeoutError(errno.ETIMEDOUT, "Connection timed out")
        await ask(wire, *arguments)

    monkeypatch.setattr(Wire, "ask", first_is_not_confirmed)
    assert TextDelta("Hel") in await collect(provider)
    assert len(asked) == len(server.requests) == 2


async def test_a_fresh_connection_that_dies_is_an_error(
    server: ReplayServer, provider: OpenAICompatibleProvider
) -> None:
    server.reply(Reply([], then="close"))
    with pytest.raises(ConnectionFailed, match="closed the connection without an HTTP answer"):
        await collect(provider)
    assert len(server.requests) == 1


class TestNoAnswer:
    """Each way of getting none has its own sentence, and says what to do."""

    async def test_refused(self, provider_at: MakeProvider, closed_port: int) -> None:
        with pytest.raises(ConnectionFailed, match=f"127.0.0.1:{closed_port} refuses connections") as caught:
            await collect(provider_at(f"http://127.0.0.1:{closed_port}/v1"))
        assert "port" in caught.value.hint
        assert (caught.value.provider, caught.value.status) == ("test", None)

    async def test_a_name_that_does_not_resolve(self, provider_at: MakeProvider) -> None:
        with pytest.raises(ConnectionFailed, match=r"nowhere\.invalid cannot be found") as caught:
            await collect(provider_at("http://nowhere.invalid/v1"))
        assert "spelling" in caught.value.hint

    @pytest.mark.parametrize(
        "url",
        [
            "localhost:1234",
            "ftp://host/v1",
            "https://",
            "//host",
            "http://host:port/v1",
            "http://[::1/v1",
            "x",
        ],
    )
    async def test_an_address_that_is_none(self, provider_at: MakeProvider, url: str) -> None:
        with pytest.raises(ConnectionFailed, match="not a web address") as caught:
            await collect(provider_at(url))
        assert "https://host/v1" in caught.value.hint

    async def test_no_answer_in_time(self, server: ReplayServer, provider_at: MakeProvider) -> None:
        server.reply(Reply([], then="hang"))
        with pytest.raises(
            ConnectionFailed, match=r"Ollama accepted the call but did not answer within 0\.1"
        ):
            await collect(provider_at(server.url, replace(OLLAMA, stall_timeout=0.1)))
        await server.until(lambda server: server.open == 0)

    async def test_no_connection_in_time(self, provider_at: MakeProvider) -> None:
        with socket.socket() as full:  # a listener whose queue is full accepts nobody
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            address = full.getsockname()
            waiting = [socket.socket() for _ in range(3)]
            for queued in waiting:
                queued.setblocking(False)
                queued.connect_ex(address)
            impatient = replace(OLLAMA, connect_timeout=0.2)
            with pytest.raises(ConnectionFailed, match=r"did not complete a connection within 0\.2 seconds"):
                await collect(provider_at(f"http://127.0.0.1:{address[1]}/v1", impatient))
            for queued in waiting:
                queued.close()

    async def test_something_that_is_not_http(self, provider_at: MakeProvider) -> None:
        async with greeting(b"220 mail.example ESMTP\r\n") as port:
            with pytest.raises(ConnectionFailed, match="without an HTTP answer"):
                await collect(provider_at(f"http://127.0.0.1:{port}/v1"))

    @pytest.mark.parametrize(
        ("error", "words"),
        [
            (UnicodeError("label too long"), "not a web address"),
            (httpx.ConnectError("all failed"), "cannot be reached."),
            (
                OSError(errno.ENETUNREACH, "Network is unreachable"),
                "cannot be reached: Network is unreachable.",
            ),
            (ssl.SSLError("[SSL] handshake failed"), "No secure connection"),
            (httpx.PoolTimeout(""), "did not answer within 60 seconds"),
        ],
    )
    def test_what_is_hard_to_bring_about(self, error: Exception, words: str) -> None:
        failure = send_error(Upstream(OPENAI, OPENAI.base_url), error, read_timeout=60)
        assert words in failure.message
        assert failure.hint.endswith(".")


class TestTLS:
    """Certificates are checked against the usual authorities, or those SSL_CERT_FILE names."""

    @pytest.fixture(autouse=True)
    def _fresh_context(self) -> None:
        connection._tls_context.cache_clear()

    @pytest.fixture
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        return context

    async def test_trusted(
        self, provider_at: MakeProvider, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        async with replaying(context) as server:
            server.reply(stream(*HELLO))
            provider = provider_at(server.url)
            assert await provider.warm() is True
            assert TextDelta("Hel") in await collect(provider)
            assert [call.connection for call in server.requests] == [1]
            await provider.aclose()

    async def test_not_trusted(self, provider_at: MakeProvider, context: ssl.SSLContext) -> None:
        async with replaying(context) as server:
            with pytest.raises(
                ConnectionFailed, match=r"certificate of 127\.0\.0\.1:\d+ is not trusted"
            ) as caught:
                await collect(provider_at(server.url))
        assert "SSL_CERT_FILE" in caught.value.hint

    async def test_a_server_without_tls(self, provider_at: MakeProvider) -> None:
        async with greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
            with pytest.raises(ConnectionFailed, match="does not speak TLS") as caught:
                await collect(provider_at(f"https://127.0.0.1:{port}/v1"))
        assert "http://" in caught.value.hint

    async def test_a_handshake_that_never_ends(self, server: ReplayServer, provider_at: MakeProvider) -> None:
        impatient = replace(OPENAI, connect_timeout=0.2)
        with pytest.raises(ConnectionFailed, match=r"did not complete a connection within 0\.2 seconds"):
            await collect(provider_at(server.url.replace("http:", "https:"), impatient))

    async def test_certificates_that_cannot_be_read(
        self, provider_at: MakeProvider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
        with pytest.raises(ConnectionFailed, match="SSL_CERT_FILE"):
            await collect(provider_at("https://127.0.0.1:1/v1"))


class TestProxies:
    """The environment's proxies are used, but never for this machine."""

    def test_which_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://user:secret@proxy.example:3128")
        monkeypatch.setenv("all_proxy", "other.example:80")
        monkeypatch.setenv("no_proxy", "intranet.example")
        assert proxy_for("https://api.groq.com/openai/v1") == "http://user:secret@proxy.example:3128"
        assert proxy_for("http://host.example/v1") == "http://other.example:80"
        assert proxy_for("https://llm.intranet.example/v1") is None
        for local in ("127.0.0.1:1234", "localhost:11434", "[::1]:8080", "a.localhost"):
            assert proxy_for(f"http://{local}/v1") is None

    async def test_a_call_through_a_proxy(
        self, server: ReplayServer, provider_at: MakeProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
        server.reply(stream(*HELLO))
        assert TextDelta("Hel") in await collect(provider_at("http://llm.example/v1"))
        assert server.requests[0].target == "http://llm.example/v1/chat/completions"

    async def test_the_way_through_a_proxy_has_a_connection_in_reserve_too(
        self, server: ReplayServer, provider_at: MakeProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.port}")
        server.reply(stream(*HELLO[:2], end=False, then="hang"))
        provider = provider_at("http://llm.example/v1")
        assert provider.warmth == Warmth()
        assert await provider.warm() is True
        assert provider.warmth == Warmth(in_use=0, in_reserve=1)
        for made in (1, 2, 3):
            events = provider.stream(REQUEST, model="m")
            await anext(events)
            assert provider.warmth.in_use >= 1
            await server.until(lambda server, made=made: server.accepted > made)
            await events.aclose()
        calls = [call for call in server.requests if call.method == "POST"]
        assert [call.connection for call in calls] == [1, 2, 3]

    async def test_a_proxy_that_refuses(
        self, server: ReplayServer, provider_at: MakeProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("https_proxy", f"http://user:secret@127.0.0.1:{server.port}")
        server.reply(answer("", status=407))
        with pytest.raises(ConnectionFailed, match=r"The proxy 127\.0\.0\.1:\d+ does not pass") as caught:
            await collect(provider_at("https://llm.example/v1"))
        assert "HTTPS_PROXY" in caught.value.hint
        assert "secret" not in str(caught.value)

    async def test_a_proxy_that_is_not_there(
        self, provider_at: MakeProvider, monkeypatch: pytest.MonkeyPatch, closed_port: int
    ) -> None:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
        with pytest.raises(ConnectionFailed, match=rf"The proxy 127\.0\.0\.1:{closed_port} refuses"):
            await collect(provider_at("http://llm.example/v1"))

    @pytest.mark.parametrize("proxy", ["gopher://proxy.example:70", "http://["])
    async def test_a_proxy_of_an_unknown_kind(
        self, provider_at: MakeProvider, monkeypatch: pytest.MonkeyPatch, proxy: str
    ) -> None:
        monkeypatch.setenv("http_proxy", proxy)
        with pytest.raises(ConnectionFailed, match="cannot be used here"):
            await collect(provider_at("http://llm.example/v1"))
