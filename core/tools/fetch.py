"""Reading a page of the public web; never an address of this machine or of the networks it is in.

Each name is resolved here, every address it has is checked, and the connection goes to the address that
was checked, so that a name cannot point elsewhere a moment later (DNS rebinding). Redirects are followed one
by one, each as carefully.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from html.parser import HTMLParser
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import Field

from core.errors import ToolFailed
from core.tools.tool import Tool, tool

if TYPE_CHECKING:
    import httpx

__all__ = ("fetch_tool", "is_public")

IPAddress: TypeAlias = IPv4Address | IPv6Address

_MOST_REDIRECTS = 5
_MOST_BYTES = 1_000_000
_SECONDS = 20.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TEXTS = ("text/", "application/json", "application/xml", "application/xhtml+xml", "application/javascript")
_TEXT_SUFFIXES = ("+json", "+xml")
_NAT64 = IPv6Network("64:ff9b::/96")
_HEADERS = {"user-agent": "TensorWall", "accept": "text/*, application/json, application/xml;q=0.9"}


def is_public(address: IPAddress) -> bool:
    """Whether an address is of the public internet, also where it wraps another one."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not address.is_multicast


def fetch_tool(may_reach: Callable[[IPAddress], bool] = is_public) -> Tool:
    """The tool that fetches pages.

    Args:
        may_reach: which addresses may be connected to.
    """

    @tool(name="fetch", effect="asks", seconds=_SECONDS)
    async def fetch(url: Annotated[str, Field(description="An http or https address.")]) -> str:
        """Fetch a public web page or text file and give its text."""
        return await _fetch(url, may_reach)

    return fetch


async def _fetch(address: str, may_reach: Callable[[IPAddress], bool]) -> str:
    import httpx  # loaded already where a provider was asked

    # A proxy would resolve names itself, so none is used.
    async with httpx.AsyncClient(
        trust_env=False, timeout=_SECONDS, follow_redirects=False, headers=_HEADERS
    ) as client:
        try:
            url = httpx.URL(address)
            for _ in range(_MOST_REDIRECTS + 1):
                request = await _request(client, url, may_reach)
                response = await client.send(request, stream=True)
                try:
                    if response.status_code not in _REDIRECTS or "location" not in response.headers:
                        return await _text(response, url)
                    url = url.join(response.headers["location"])
                finally:
                    await response.aclose()
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise ToolFailed(f"{address} is no address: {error}.") from None
        except httpx.HTTPError as error:
            raise ToolFailed(f"{address} cannot be fetched: {str(error) or type(error).__name__}.") from None
    raise ToolFailed(f"{address} redirects more than {_MOST_REDIRECTS} times.")


async def _request(
    client: httpx.AsyncClient, url: httpx.URL, may_reach: Callable[[IPAddress], bool]
) -> httpx.Request:
    """The request to the address that the host's name stands for, under the host's name."""
    if url.scheme not in {"http", "https"} or not url.host:
        raise ToolFailed("Only http and https addresses can be fetched.")
    if url.userinfo:
        raise ToolFailed("An address with a user name or password is not fetched.")
    address = await _resolved(url.host, url.port or (443 if url.scheme == "https" else 80), may_reach)
    return client.build_request(
        "GET",
        url.copy_with(host=str(address)),
        headers={"host": url.netloc.decode()},
        extensions={"sni_hostname": url.host},
    )


async def _resolved(host: str, port: int, may_reach: Callable[[IPAddress], bool]) -> IPAddress:
    addresses = await _addresses(host, port)
    if not addresses or not all(may_reach(address) for address in addresses):
        raise ToolFailed(f"{host} is not on the public internet, so it is not fetched.")
    return addresses[0]


async def _addresses(host: str, port: int) -> list[IPAddress]:
    """All that a name stands for, or the address it is itself."""
    with contextlib.suppress(ValueError):
        return [ip_address(host)]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise ToolFailed(f"There is no host {host}.") from None
    return [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


async def _text(response: httpx.Response, url: httpx.URL) -> str:
    kind = response.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    if not (kind.startswith(_TEXTS) or kind.endswith(_TEXT_SUFFIXES)):
        raise ToolFailed(f"{url} is {kind}, not text.")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _MOST_BYTES:
            break
    text = body[:_MOST_BYTES].decode(response.charset_encoding or "utf-8", errors="replace")
    if kind in {"text/html", "application/xhtml+xml"}:
        text = _readable(text)
    if len(body) > _MOST_BYTES:
        text += "\n… [the rest of the page was not read]"
    if response.status_code >= 400:
        raise ToolFailed(f"{url} answers {response.status_code} {response.reason_phrase}:\n{text}")
    return f"{url}\n\n{text}"


class _Reader(HTMLParser):
    """Collects what a page shows."""

    _HIDDEN = frozenset({"script", "style", "noscript", "template", "svg"})
    _INLINE = frozenset(
        {"a", "abbr", "b", "code", "em", "i", "mark", "q", "s", "small", "span", "strong", "u"}
    )

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in self._HIDDEN
        if tag not in self._INLINE:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        if tag not in self._INLINE:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _readable(page: str) -> str:
    """The text of a page, a line for each of its blocks."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.pieces).split("\n"))
    return "\n".join(line for line in lines if line)
