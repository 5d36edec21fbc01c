"""Fetching pages, from a server of this machine that the tests, and nobody else, allow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ToolFailed
from core.tools import Tool
from core.tools.fetch import fetch_tool, is_public

PAGE = b"""<!doctype html><title>Tides</title><style>p {color: red}</style><h1>How <b>tides</b> work</h1>
<script>alert("no")</script><p>The moon &amp; the sun\npull.</p>"""


class Site:
    """A web server with a few pages; ``seen`` is what was asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: list[str] = []

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def answer(self, path: str) -> tuple[str, str, bytes]:
        """Status, further headers and body."""
        match path:
            case "/page":
                return "200 OK", "content-type: text/html; charset=utf-8", PAGE
            case "/data":
                return "200 OK", "content-type: application/problem+json", b'{"a": 1}'
            case "/image":
                return "200 OK", "content-type: image/png", b"\x89PNG"
            case "/large":
                return "200 OK", "content-type: text/plain", b"x" * 1_500_000
            case "/moved":
                return "302 Found", "location: /page", b""
            case "/round":
                return "302 Found", "location: /round", b""
            case "/inside":
                return "307 Temporary Redirect", f"location: http://10.0.0.1:{self.port}/secret", b""
            case "/file":
                return "302 Found", "location: file:///etc/passwd", b""
            case _:
                return "404 Not Found", "content-type: text/plain", b"nothing here"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        site.seen.append(head)
        status, headers, body = site.answer(head.split()[1])
        answer = f"HTTP/1.1 {status}\r\n{headers}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(answer.encode() + body)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    site = Site(server.sockets[0].getsockname()[1])
    async with server:
        yield site


@pytest.fixture
def fetch() -> Tool:
    return fetch_tool(may_reach=lambda address: address.is_loopback)


async def test_a_page_becomes_its_text(site: Site, fetch: Tool) -> None:
    text = await fetch.run({"url": site.url("/page")})
    assert text == f"{site.url('/page')}\n\nTides\nHow tides work\nThe moon & the sun\npull."
    assert '{"a": 1}' in await fetch.run({"url": site.url("/data")})


async def test_the_host_keeps_its_name_though_its_address_is_called(site: Site, fetch: Tool) -> None:
    text = await fetch.run({"url": site.url("/moved", host="localhost")})
    assert text.startswith(site.url("/page", host="localhost"))
    assert all(f"host: localhost:{site.port}" in head.lower() for head in site.seen)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/image", "image/png, not text"),
        ("/round", "redirects more than 5 times"),
        ("/inside", "not on the public internet"),
        ("/file", "Only http and https"),
        ("/none", "answers 404 Not Found:\nnothing here"),
    ],
)
async def test_what_is_not_a_page_is_told(site: Site, fetch: Tool, path: str, says: str) -> None:
    with pytest.raises(ToolFailed, match=says):
        await fetch.run({"url": site.url(path)})


async def test_a_large_page_is_read_in_part(site: Site, fetch: Tool) -> None:
    text = await fetch.run({"url": site.url("/large")})
    assert len(text) < 1_001_000
    assert text.endswith("[the rest of the page was not read]")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8000/v1/models",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://169.254.169.254/latest/meta-data",
        "http://192.168.1.1/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://100.64.0.1/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://224.0.0.1/",
    ],
)
async def test_addresses_inside_are_never_reached(url: str) -> None:
    """Numbers that are no addresses may not resolve at all, which is as well."""
    with pytest.raises(ToolFailed, match=r"not on the public internet|no host|no address"):
        await fetch_tool().run({"url": url})


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com",
        "http://",
        "http://a:b@127.0.0.1/",
        "http://[",
        "",
    ],
)
async def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(ToolFailed):
        await fetch_tool(may_reach=lambda _: True).run({"url": url})


@given(st.ip_addresses(v=4))
def test_a_wrapped_address_is_as_public_as_what_it_wraps(address) -> None:
    wrapped = [
        ip_address(f"::ffff:{address}"),
        ip_address((0x2002 << 112) | (int(address) << 80)),
        ip_address((0x64FF9B << 96) | int(address)),
    ]
    assert {is_public(one) for one in wrapped} == {is_public(address)}
    assert is_public(address) <= (not address.is_private)
