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

from app.simulator.errors import ApiError
from app.simulator.limits import go_duration
from app.simulator.options import Fault
from app.simulator.wire import dump

__all__ = ("OVERSIZED", "WITHIN_ANSWER", "RawAnswer", "event_error", "instead_of_answer")

WITHIN_ANSWER = frozenset(
    {
        "sse_error",
        "tool_use_failed",
        "json_validate_failed",
        "x_groq_error",
        "end",
        "cut",
        "cut_reset",
        "stall",
        "garbage_event",
        "oversized_event",
    }
)
OVERSIZED = 9 * 1024 * 1024
"""Bytes of an oversized event."""

_CLOUDFLARE = (
    '<!DOCTYPE html>\n<html lang="en-US"><head><title>Access denied | api.groq.com used Cloudflare to restrict '
    "access</title></head><body><h1>Error 1010</h1><p>The owner of this website (api.groq.com) has banned your "
    "access based on your browser's signature (simulated-ray).</p></body></html>\n"
)
_LOGIN = (
    "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form>Password</form></body></html>\n"
)
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
        case "rate_limited":
            return _rate_limited(fault, model, organization)
    status, kind, code, message = _ERRORS[fault.kind]
    return ApiError(
        fault.status or status,
        fault.message or message.format(model=model, organization=organization),
        type=kind,
        code=fault.code or code,
        headers=_retry_after(fault),
    )


def event_error(fault: Fault) -> ApiError:
    """The error that a stream reports in an event."""
    if fault.kind in _FAILED_GENERATIONS:
        message, generation = _FAILED_GENERATIONS[fault.kind]
        return ApiError(
            400,
            fault.message or message,
            code=fault.code or fault.kind,
            failed_generation=fault.failed_generation if fault.failed_generation is not None else generation,
        )
    status = fault.status or 500
    return ApiError(
        status,
        fault.message or _REASONS.get(status, "The server had an error while processing your request"),
        type="internal_server_error" if status >= 500 else "invalid_request_error",
        code=fault.code,
        failed_generation=fault.failed_generation,
    )


_ERRORS: dict[str, tuple[int, str, str | None, str]] = {
    "unauthorized": (401, "invalid_request_error", "invalid_api_key", "Invalid API Key"),
    "forbidden": (
        403,
        "permissions_error",
        "model_permission_blocked_org",
        "The model `{model}` is blocked at the organization level. Please have the org admin enable this model.",
    ),
    "blocked": (
        400,
        "invalid_request_error",
        "blocked_api_access",
        "API access is blocked: organization `{organization}` has reached its spend limit.",
    ),
    "context_length": (
        400,
        "invalid_request_error",
        "context_length_exceeded",
        "Please reduce the length of the messages or completion.",
    ),
    "model_not_found": (
        404,
        "invalid_request_error",
        "model_not_found",
        "The model `{model}` does not exist or you do not have access to it.",
    ),
    "model_decommissioned": (
        400,
        "invalid_request_error",
        "model_decommissioned",
        "The model `{model}` has been decommissioned and is no longer supported. Please refer to "
        "https://console.groq.com/docs/deprecations for a recommendation on which model to use instead.",
    ),
    "bad_request": (400, "invalid_request_error", None, "'messages' : minimum number of items is 1"),
    "unprocessable": (
        422,
        "invalid_request_error",
        None,
        "The request was well-formed but could not be followed.",
    ),
    "failed_dependency": (424, "invalid_request_error", None, "A remote tool server could not be reached."),
    "too_large": (
        413,
        "tokens",
        "rate_limit_exceeded",
        "Request too large for model `{model}` in organization `{organization}` service tier `on_demand` on tokens "
        "per minute (TPM): Limit 8000, Requested 9000, please reduce your message size and try again. Need more "
        "tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing",
    ),
    "capacity": (
        498,
        "internal_server_error",
        "capacity_exceeded",
        "Flex tier capacity exceeded for model `{model}`, please try again later or use another service tier.",
    ),
}

_FAILED_GENERATIONS = {
    "tool_use_failed": (
        "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details.",
        '<function=get_weather{"location": "Paris"',
    ),
    "json_validate_failed": (
        "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.",
        '{"answer": "half of',
    ),
}


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
            page = f"<html>\n<head><title>{status} {reason}</title></head>\n<body><h1>{status} {reason}</h1></body>\n</html>\n"
            return _raw(status, page, "text/html", headers)
        case "text":
            return _raw(status, reason, "text/plain; charset=utf-8", headers)
        case "empty":
            return _raw(status, "", "application/json", headers)
        case _:
            error = ApiError(status, reason, type="internal_server_error", code=fault.code)
            return _raw(status, dump(error.body), "application/json", headers)


def _rate_limited(fault: Fault, model: str, organization: str) -> ApiError:
    wait = 2.0 if fault.retry_after is None else fault.retry_after
    message = (
        f"Rate limit reached for model `{model}` in organization `{organization}` service tier `on_demand` on "
        f"requests per minute (RPM): Limit 30, Used 30, Requested 1. Please try again in {go_duration(wait)}. Need "
        "more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing"
    )
    return ApiError(
        429,
        fault.message or message,
        type="requests",
        code=fault.code or "rate_limit_exceeded",
        headers={"retry-after": str(math.ceil(wait))},
    )
