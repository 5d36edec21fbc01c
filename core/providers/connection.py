"""Connections to one server: HTTP/1.1, kept for minutes, made on demand or ahead of it.

People pause for longer than the five seconds httpx keeps a connection, and would pay for name lookup,
TCP and TLS on nearly every turn. HTTP/2 is left out: over it an interrupted answer goes on being written.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, Mapping
from contextlib import aclosing
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from core.errors import ConnectionFailed, UnexpectedResponse
from core.providers.connection_errors import send_error
from core.providers.dialling import Dialler
from core.providers.http_messages import HttpAnswer, HttpRequest, Timeouts
from core.providers.http_transport import CONFIRMED_WITHIN, HttpTransport
from core.providers.proxied_transport import ProxiedTransport
from core.providers.response_errors import response_error
from core.providers.upstream import Upstream
from core.providers.warmth import Warmth

__all__ = ("Connection", "proxy_for", "read_body")

KEEP_ALIVE = 300.0
_MOST_IDLE = 100
_WRITE_TIMEOUT = 60.0  # a picture on a slow line
_LARGEST_BODY = 32 * 1024 * 1024
_LARGEST_ERROR_BODY = 256 * 1024
_ERROR_BODY_TIMEOUT = 5.0
_FAILURES = (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError)


class Connection:
    """Kept connections to one server, on one event loop.

    Requests go to a transport: the cookies, redirects and authentication of httpx's client are not
    wanted here, and would cost a tenth of a millisecond a call. Through a proxy that is httpx's own.
    """

    def __init__(self, transport: HttpTransport | ProxiedTransport, proxy: str | None) -> None:
        self._transport = transport
        self.proxy = proxy

    @classmethod
    async def prepare(cls, upstream: Upstream) -> Connection:
        """Make the pool; nothing is sent yet.

        Raises:
            ConnectionFailed: the proxy or the certificates that the environment names cannot be used.
        """
        proxy = proxy_for(upstream.url)
        try:
            context: ssl.SSLContext | None = None
            if "https" in (urlsplit(upstream.url).scheme, urlsplit(proxy or "").scheme):
                context = await asyncio.to_thread(_tls_context)  # reading the certificates takes 20 ms
            transport = _through_proxy(proxy, context) if proxy else _direct(context)
        except (ImportError, ValueError) as error:  # a SOCKS proxy without socksio; an unknown scheme
            raise upstream.error(
                ConnectionFailed,
                f"The proxy {upstream.quote(proxy or '')} is of a kind that cannot be used here.",
                hint="Use an http:// proxy; for SOCKS, install the package socksio.",
            ) from error
        except OSError as error:
            raise upstream.error(
                ConnectionFailed,
                f"The certificates that SSL_CERT_FILE or SSL_CERT_DIR name cannot be read: {error.strerror}.",
                hint="Correct the path, or unset the variable.",
            ) from error
        return cls(transport, proxy)

    async def ask(
        self,
        upstream: Upstream,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes = b"",
        read_timeout: float,
    ) -> HttpAnswer:
        """Send a request; the answer's body is to be closed.

        Args:
            upstream: who is called.
            method: the HTTP method.
            url: the full address.
            headers: the request's headers.
            content: the request's body.
            read_timeout: seconds without a byte after which the call counts as dead.

        Raises:
            ConnectionFailed: no answer came.
            ProviderError: the answer's status is not a success.
        """
        timeouts = Timeouts(upstream.profile.connect_timeout, read_timeout, _WRITE_TIMEOUT)
        headers = {**headers, "User-Agent": _user_agent()}
        try:
            answer = await self._transport.ask(HttpRequest(method, _parsed(url), headers, content, timeouts))
        except _FAILURES as error:
            raise send_error(upstream, error, read_timeout=read_timeout) from error
        if answer.status >= httpx.codes.MULTIPLE_CHOICES:
            async with aclosing(answer.body):
                raise response_error(upstream, answer.status, answer.headers, await _error_body(answer))
        return answer

    async def warm(self, upstream: Upstream) -> bool:
        """See to it that the next request waits for no handshake, nor any after it: no API call, no key.

        A connection of which it is not sure that it still works is asked for the host's root.

        Returns:
            Whether a connection is open now.
        """
        timeout = upstream.profile.connect_timeout
        root = _parsed(upstream.url).copy_with(raw_path=b"/")
        headers = {"Accept": "*/*", "User-Agent": _user_agent()}
        probe = HttpRequest("HEAD", root, headers, timeouts=Timeouts(timeout, timeout, _WRITE_TIMEOUT))
        try:
            return await self._transport.warm(probe)
        except _FAILURES:
            return False

    @property
    def warmth(self) -> Warmth:
        """The connections there are now."""
        return self._transport.warmth

    async def aclose(self) -> None:
        """Close all connections."""
        await self._transport.aclose()


def _direct(context: ssl.SSLContext | None) -> HttpTransport:
    dialler = Dialler(context, _socket_options())
    return HttpTransport(dialler, keep_alive=KEEP_ALIVE, most_idle=_MOST_IDLE)


def _through_proxy(url: str, context: ssl.SSLContext | None) -> ProxiedTransport:
    proxy = httpx.Proxy(url, ssl_context=context if url.startswith("https:") else None)
    return ProxiedTransport(proxy, context, _socket_options(), keep_alive=KEEP_ALIVE, most_idle=_MOST_IDLE)


async def read_body(upstream: Upstream, chunks: AsyncIterable[bytes], opening: bytes = b"") -> bytes:
    """The whole body.

    Args:
        upstream: who sends it.
        chunks: what has not been read yet.
        opening: what has.

    Raises:
        UnexpectedResponse: it is larger than any answer.
    """
    body = bytearray(opening)
    async for chunk in chunks:
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise upstream.error(
                UnexpectedResponse,
                f"{upstream.host} sends more than {_LARGEST_BODY:,} bytes.",
                hint="Check that the base URL is that of an OpenAI-compatible API.",
            )
    return bytes(body)


async def _error_body(answer: HttpAnswer) -> bytes:
    """As much of an error's body as comes; the status alone says enough to go on."""
    body = bytearray()
    try:
        async with asyncio.timeout(_ERROR_BODY_TIMEOUT):
            async for chunk in answer.chunks():
                body += chunk
                if len(body) > _LARGEST_ERROR_BODY:
                    break
    except (httpx.HTTPError, TimeoutError):
        pass
    return bytes(body)


def proxy_for(url: str) -> str | None:
    """The proxy that the environment or the system sets for this address; never one for this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@lru_cache(maxsize=64)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


@lru_cache(maxsize=1)
def _tls_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()


@lru_cache(maxsize=1)
def _user_agent() -> str:
    """A name: firewalls in front of some providers refuse the default of HTTP libraries."""
    try:
        return f"TensorWall/{version('tensorwall')}"
    except PackageNotFoundError:  # run from a source tree
        return "TensorWall/0"


def _socket_options() -> list[tuple[int, int, int]]:
    """Notice within seconds that the other end is gone, as after a laptop has slept."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    wanted = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}
    wanted["TCP_USER_TIMEOUT"] = round(CONFIRMED_WITHIN * 1000)
    options += [
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in wanted.items()
        if hasattr(socket, name)
    ]
    return options
