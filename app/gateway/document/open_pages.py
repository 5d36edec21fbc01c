"""``GET /openapi.json`` and ``GET /docs``: the document and its page; they need no key and tell no secret."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any
from uuid import uuid4

from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from app.gateway.document.page import page
from app.gateway.exchange import Exchange

__all__ = ("OpenPage", "as_html", "as_json")

_HTML_HEADERS = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}


class OpenPage:
    """An ASGI application that answers with the document, as served to this client.

    Args:
        document: makes it, from this program's version and the URL that the client calls it by.
        write: how it is answered.
    """

    def __init__(
        self, document: Callable[[str, str], dict[str, Any]], write: Callable[[dict[str, Any]], Written]
    ) -> None:
        self._document = document
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        exchange = Exchange(scope, receive, send, request_id=uuid4().hex)
        url = f"{scope['scheme']}://{exchange.headers.get('host', 'localhost')}"
        body, kind, headers = self._write(self._document(version("tensorwall"), url))
        await exchange.answer(body, headers, content_type=kind)


Written = tuple[bytes, str, dict[str, str]]
"""Body, content type, further headers."""


def as_json(document: dict[str, Any]) -> Written:
    """The document itself."""
    return to_json(document), "application/json", {}


def as_html(document: dict[str, Any]) -> Written:
    """As a page; the browser is told that it needs nothing else."""
    return page(document).encode(), "text/html; charset=utf-8", _HTML_HEADERS
