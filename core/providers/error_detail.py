"""What an error answer says, read from whatever shape it comes in."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from pydantic_core import from_json

__all__ = ("ErrorDetail", "detail_of_body", "detail_of_json")

_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_UNREADABLE = re.compile(r"<(style|script|head)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_CLOUDFLARE_CODE = re.compile(r"\berror(?: code)?:?\s*(10\d\d)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What an error says; empty or ``None`` where it does not.

    Attributes:
        message: the text, untrusted.
        code: such as ``rate_limit_exceeded``.
        type: such as ``invalid_request_error``.
        status: the HTTP status the body names, for errors that come after a 200.
        failed_generation: what the model wrote, where it could not be used.
        is_page: it came as HTML, so from something in front of the API.
        firewall_code: Cloudflare's number of the refusal, such as ``1010``.
    """

    message: str = ""
    code: str | None = None
    type: str | None = None
    status: int | None = None
    failed_generation: str | None = None
    is_page: bool = False
    firewall_code: str | None = None


def detail_of_body(body: bytes) -> ErrorDetail:
    """Read JSON, HTML (its title) or plain text."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith(("{", "[", '"')):
        try:
            return detail_of_json(from_json(text))
        except ValueError:
            return ErrorDetail(message=text)
    firewall = _CLOUDFLARE_CODE.search(text)
    code = firewall[1] if firewall else None
    if text.startswith("<") or "<html" in text[:2000].lower():
        title = _TITLE.search(text)
        readable = html.unescape(title[1] if title else _UNREADABLE.sub(" ", text))
        return ErrorDetail(message=readable, is_page=True, firewall_code=code)
    return ErrorDetail(message=text, firewall_code=code)


def detail_of_json(value: object) -> ErrorDetail:
    """Read OpenAI's ``{"error": {...}}``, its flat form, FastAPI's ``detail``, and bare text."""
    if isinstance(value, list):
        return detail_of_json(value[0]) if value else ErrorDetail()
    if not isinstance(value, dict):
        return ErrorDetail(message="" if value is None else str(value))
    for wrapper in ("error", "errors", "detail"):
        if value.get(wrapper):
            inner = detail_of_json(value[wrapper])
            if inner.message or inner.code:
                return inner
    message = value.get("message") or value.get("msg") or value.get("error_description") or ""
    code, kind = value.get("code"), value.get("type")
    status = next((number for number in (value.get("status_code"), code) if _is_error_status(number)), None)
    generation = value.get("failed_generation")
    return ErrorDetail(
        message=str(message),
        code=code if isinstance(code, str) else None,
        type=kind if isinstance(kind, str) else None,
        status=status,
        failed_generation=generation if isinstance(generation, str) else None,
    )


def _is_error_status(number: object) -> bool:
    return isinstance(number, int) and 400 <= number <= 599
