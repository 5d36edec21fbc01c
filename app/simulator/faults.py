"""What can go wrong, by ``Fault.kind``.

Instead of an answer:
    ``reset`` TCP reset; ``close`` end of file before any byte; ``hang`` silence for ever;
    ``unauthorized`` 401; ``forbidden`` 403; ``cloudflare`` 403 with Cloudflare's page, error 1010;
    ``blocked`` 400 ``blocked_api_access`` (spend cap); ``context_length`` 400;
    ``model_not_found`` 404; ``model_decommissioned`` 400; ``bad_request`` 400; ``unprocessable`` 422;
    ``failed_dependency`` 424; ``rate_limited`` 429; ``too_large`` 413; ``capacity`` 498;
    ``server_error`` 500, 502, 503 as JSON, HTML, plain text or nothing; ``empty_body`` 200 with nothing;
    ``html_page`` 200 with a login page; ``plain_text`` 200 with a word.

Within an answer, after ``after_tokens`` tokens (an answer that does not stream breaks half-way):
    ``sse_error`` an ``error`` event; ``tool_use_failed`` and ``json_validate_failed`` the same with
    ``failed_generation`` (a 400 where the call does not stream); ``x_groq_error`` the error in
    ``x_groq``; ``end`` a body that ends well formed but without a finish reason and end mark; ``cut``
    end of file inside the body; ``cut_reset`` TCP reset; ``stall`` silence; ``garbage_event`` an event
    that is not JSON, and on; ``oversized_event`` an event of 9 MiB, and on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import get_args

from app.simulator.errors import (
    ApiError,
    context_length_exceeded,
    invalid_api_key,
    json_validate_failed,
    model_decommissioned,
    model_not_found,
    place,
    rate_limited,
    too_large,
    tool_use_failed,
)
from app.simulator.options import Fault, FaultWithin
from app.simulator.wire import dump

__all__ = ("OVERSIZED", "WITHIN_ANSWER", "RawAnswer", "event_error", "instead_of_answer")

WITHIN_ANSWER = frozenset(get_args(FaultWithin))
OVERSIZED = 9 * 1024 * 1024
"""Bytes of an oversized event."""

_CLOUDFLARE = """\
<!DOCTYPE html>
<html lang="en-US">
<head><title>Access denied | api.groq.com used Cloudflare to restrict access</title></head>
<body><h1>Error 1010</h1>
<p>The owner of this website (api.groq.com) has banned your access based on your browser's signature.</p>
</body>
</html>
"""
_LOGIN = (
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form>Password</form></body></html>\n"
)
_PAGE = "<html>\n<head><title>{0}</title></head>\n<body><center><h1>{0}</h1></center></body>\n</html>\n"
_REASONS = {
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """An answer that is not Groq's JSON."""

    status: int
    body: bytes
    content_type: str
    headers: dict[str, str]


def instead_of_answer(fault: Fault, model: str, organization: str) -> ApiError | RawAnswer:
    """The answer of a fault that comes instead of one; connection faults have none and are not for here."""
    match fault.kind:
        case "cloudflare":
            return _raw(403, _CLOUDFLARE, "text/html; charset=UTF-8")
        case "empty_body":
            return _raw(200, "", "application/json")
        case "html_page":
            return _raw(200, _LOGIN, "text/html")
        case "plain_text":
            return _raw(200, fault.message or "OK", "text/plain")
        case "server_error":
            return _server_error(fault)
    return _changed(_error(fault, model, organization), fault)


def event_error(fault: Fault) -> ApiError:
    """The error that a stream reports in an event."""
    match fault.kind:
        case "tool_use_failed":
            error = tool_use_failed('<function=get_weather{"location": "Paris"')
        case "json_validate_failed":
            error = json_validate_failed('{"answer": "half of')
        case _:
            error = _plain(fault.status or 500)
    return _changed(error, fault)


def _error(fault: Fault, model: str, organization: str) -> ApiError:
    where = place(model, organization)
    match fault.kind:
        case "unauthorized":
            return invalid_api_key()
        case "model_not_found":
            return model_not_found(model)
        case "model_decommissioned":
            return model_decommissioned(model)
        case "context_length":
            return context_length_exceeded()
        case "rate_limited":
            wait = 2.0 if fault.retry_after is None else fault.retry_after
            return rate_limited(where, "requests per minute (RPM)", 30, 30, 1, wait)
        case "too_large":
            return too_large(where, "tokens per minute (TPM)", 8_000, 9_000)
        case "forbidden":
            message = f"The model `{model}` is blocked at the organization level."
            return ApiError(403, message, kind="permissions_error", code="model_permission_blocked_org")
        case "blocked":
            message = f"API access is blocked: organization `{organization}` has reached its spend limit."
            return ApiError(400, message, code="blocked_api_access")
        case "capacity":
            message = f"Flex tier capacity exceeded for model `{model}`, please try again later."
            return ApiError(498, message, kind="internal_server_error", code="capacity_exceeded")
        case "unprocessable":
            return ApiError(422, "The request was well-formed but could not be followed.")
        case "failed_dependency":
            return ApiError(424, "A remote tool server could not be reached.")
        case _:
            return ApiError(400, "'messages' : minimum number of items is 1")


def _changed(error: ApiError, fault: Fault) -> ApiError:
    """The error with what the fault itself says put in its place."""
    said = {"message": fault.message, "code": fault.code, "failed_generation": fault.failed_generation}
    error.body["error"] |= {name: value for name, value in said.items() if value is not None}
    error.status = fault.status or error.status
    error.headers |= _retry_after(fault)
    return error


def _plain(status: int) -> ApiError:
    kind = "internal_server_error" if status >= 500 else "invalid_request_error"
    return ApiError(status, _REASONS.get(status, "The server had an error"), kind=kind)


def _raw(status: int, body: str, content_type: str, headers: dict[str, str] | None = None) -> RawAnswer:
    return RawAnswer(status, body.encode(), content_type, headers or {})


def _retry_after(fault: Fault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"retry-after": str(math.ceil(fault.retry_after))}


def _server_error(fault: Fault) -> RawAnswer:
    status = fault.status or 500
    reason = fault.message or _REASONS.get(status, "Internal Server Error")
    headers = _retry_after(fault)
    match fault.form:
        case "html":
            return _raw(status, _PAGE.format(f"{status} {reason}"), "text/html", headers)
        case "text":
            return _raw(status, reason, "text/plain; charset=utf-8", headers)
        case "empty":
            return _raw(status, "", "application/json", headers)
        case "json":
            body = _changed(_plain(status), fault).body
            return _raw(status, dump(body), "application/json", headers)
