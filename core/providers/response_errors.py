"""An error answer, in whatever shape it comes, as one of ``core.errors``.

Providers say what is wrong in JSON of several shapes, a proxy or a firewall in front of them in HTML
or plain text, and a stream in an event after its 200. A known code decides, then the status.
Groq's codes: https://console.groq.com/docs/errors and what its API was seen to send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from core.durations import in_words
from core.errors import (
    AccessDenied,
    AuthenticationFailed,
    CapacityExceeded,
    InvalidRequest,
    ModelUnavailable,
    OutputInvalid,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    RequestTooLarge,
    ServerFailed,
    ToolCallInvalid,
    UnexpectedResponse,
    Unprocessable,
)
from core.providers.error_detail import ErrorDetail, detail_of_body, detail_of_json
from core.providers.limit_headers import retry_after
from core.providers.told_limit import told_limit
from core.providers.upstream import Upstream

__all__ = ("event_error", "response_error")

_WORDS: dict[type[ProviderError], tuple[str, str]] = {
    AccessDenied: ("{label} does not allow this{said}", "Check what the key's project may use."),
    AuthenticationFailed: ("{label} refuses the API key{said}", "Check {key_place}, or set a new key."),
    CapacityExceeded: ("{label} has no room on the flex tier{said}", "Use the on_demand tier."),
    InvalidRequest: (
        "{label} refuses the request{number}{said}",
        "Change the request; sending it again does not help.",
    ),
    ModelUnavailable: ("{label} does not serve {model} to this key{said}", "Choose another model."),
    OutputInvalid: (
        "{model} did not write the JSON asked for{said}",
        "Try again, or raise the output cap.",
    ),
    QuotaExhausted: (
        "The credit or spending limit at {label} is used up{said}",
        "Raise it, or choose another provider.",
    ),
    RateLimited: ("A limit at {label} is used up for now{said}", "Wait a little, or choose another model."),
    RequestTooLarge: (
        "The request is larger than {label} allows for {model}{said}",
        "Lower the output cap, shorten the conversation, or choose a model with a larger limit.",
    ),
    ServerFailed: ("{label} failed{number}{said}", "Try again, or choose another provider."),
    ToolCallInvalid: ("{model} wrote a tool call that cannot be used{said}", "Try again."),
    UnexpectedResponse: (
        "{host} has no chat API at this address{number}{said}",
        "Check the base URL; most end in /v1.",
    ),
    Unprocessable: ("{label} cannot act on the request{said}", "Change the request, or try again."),
}
_FIREWALL = (
    "A firewall in front of {label} refuses the call{number}.",
    "Switch off a VPN or proxy, or try from another network.",
)

_KINDS_BY_CODE: dict[str, type[ProviderError]] = {
    "account_deactivated": AccessDenied,
    "billing_hard_limit_reached": QuotaExhausted,
    "billing_not_active": QuotaExhausted,
    "blocked_api_access": QuotaExhausted,
    "capacity_exceeded": CapacityExceeded,
    "context_length_exceeded": RequestTooLarge,
    "exceed_context_size_error": RequestTooLarge,  # llama.cpp
    "expired_api_key": AuthenticationFailed,
    "insufficient_quota": QuotaExhausted,
    "invalid_api_key": AuthenticationFailed,
    "json_validate_failed": OutputInvalid,
    "model_decommissioned": ModelUnavailable,
    "model_not_active": ModelUnavailable,
    "model_not_found": ModelUnavailable,
    "model_permission_blocked_org": ModelUnavailable,
    "model_permission_blocked_project": ModelUnavailable,
    "model_terms_required": ModelUnavailable,
    "request_too_large": RequestTooLarge,
    "resource_exhausted": RateLimited,
    "string_above_max_length": RequestTooLarge,
    "tool_use_failed": ToolCallInvalid,
    "unknown_url": UnexpectedResponse,
}
_MONTHLY_CAPS = ("billing_hard_limit_reached", "blocked_api_access")
_KINDS_BY_STATUS: dict[int, type[ProviderError]] = {
    401: AuthenticationFailed,
    402: QuotaExhausted,
    403: AccessDenied,
    404: UnexpectedResponse,
    405: UnexpectedResponse,
    408: ServerFailed,
    413: RequestTooLarge,
    422: Unprocessable,
    424: Unprocessable,
    425: ServerFailed,
    429: RateLimited,
    498: CapacityExceeded,
    499: ServerFailed,  # somebody on the way hung up, and not we
}
_KINDS_BY_TYPE: dict[str, type[ProviderError]] = {
    "authentication_error": AuthenticationFailed,
    "insufficient_quota": QuotaExhausted,
    "exceed_context_size_error": RequestTooLarge,
    "invalid_request_error": InvalidRequest,
    "permission_error": AccessDenied,
    "permissions_error": AccessDenied,
    "rate_limit_error": RateLimited,
    "rate_limit_exceeded": RateLimited,
}

# Groq: "Limit 8000, Used 7713, Requested 988". OpenAI: "maximum context length is 8192 tokens. However,
# your messages resulted in 9001". llama.cpp: "the request (9001 tokens) exceeds the context size (8192".
_LIMIT = re.compile(
    r"\blimit:?\s+(\d+)|maximum context length (?:is|of) (\d+)|context size \((\d+)", re.IGNORECASE
)
_REQUESTED = re.compile(
    r"\brequested:?\s+(?:about\s+)?(\d+)|resulted in (\d+)|contains? (?:at least )?(\d+) (?:input )?tokens"
    r"|request \((\d+) tokens",
    re.IGNORECASE,
)
_TOO_LARGE = re.compile(
    r"request too large|maximum context length|context (?:size|window|length)|too long", re.IGNORECASE
)
_NO_MODEL = re.compile(
    r"\bmodels?\b.*\b(?:not found|does not exist|decommissioned|not loaded|unknown)\b", re.IGNORECASE
)
_NO_MODEL_LOADED = re.compile(r"no models? (?:is |are )?loaded", re.IGNORECASE)


def response_error(upstream: Upstream, status: int, headers: Mapping[str, str], body: bytes) -> ProviderError:
    """The error an answer with this status means.

    Args:
        upstream: who answered.
        status: the HTTP status, 300 or above.
        headers: the answer's headers, in lower case or in a mapping that ignores case.
        body: what came of the body.
    """
    if 300 <= status < 400:
        place = upstream.quote(headers.get("location", "another address"))
        return upstream.error(
            UnexpectedResponse,
            f"{upstream.host} redirects to {place}.",
            hint="Set the address it redirects to as the base URL.",
            status=status,
        )
    return _error(upstream, status, detail_of_body(body), headers)


def event_error(
    upstream: Upstream, error: object, *, request_id: str | None = None, status: int | None = None
) -> ProviderError:
    """The error that came within an answer whose HTTP status was 200."""
    detail = detail_of_json(error)
    headers = {"x-request-id": request_id} if request_id else {}
    return _error(upstream, detail.status or status, detail, headers)


def _error(
    upstream: Upstream, status: int | None, detail: ErrorDetail, headers: Mapping[str, str]
) -> ProviderError:
    kind = _kind(status, detail)
    message, hint = _words(kind, upstream, status, detail)
    error = upstream.error(
        kind,
        message,
        hint=hint,
        status=status,
        code=detail.code,
        request_id=headers.get("x-request-id") or headers.get("request-id"),
    )
    if isinstance(error, RateLimited | ServerFailed):
        error.retry_after = retry_after(headers, detail.message)
    if isinstance(error, RateLimited) and error.retry_after is not None:
        error.hint = f"Try again in {in_words(error.retry_after)}, or choose another model."
    if isinstance(error, RateLimited | RequestTooLarge):
        error.told = told_limit(detail.message)
    if isinstance(error, RequestTooLarge):
        error.limit = _number(_LIMIT, detail.message)
        error.requested = _number(_REQUESTED, detail.message)
    if isinstance(error, QuotaExhausted) and detail.code in _MONTHLY_CAPS:
        error.renews_in = _until_next_month(headers)
        error.hint += " It begins anew with the month."
    if isinstance(error, ToolCallInvalid | OutputInvalid):
        error.failed_generation = detail.failed_generation
    return error


def _kind(status: int | None, detail: ErrorDetail) -> type[ProviderError]:
    if detail.code in _KINDS_BY_CODE:
        return _KINDS_BY_CODE[detail.code]
    if status in (None, 400, 413, 429) and _TOO_LARGE.search(detail.message):
        return RequestTooLarge
    if status in (400, 404) and (_NO_MODEL.search(detail.message) or _NO_MODEL_LOADED.search(detail.message)):
        return ModelUnavailable
    if status is None:
        return _KINDS_BY_TYPE.get(detail.code or "") or _KINDS_BY_TYPE.get(detail.type or "", ServerFailed)
    if status >= 500:
        return ServerFailed
    return _KINDS_BY_STATUS.get(status, InvalidRequest)


def _words(
    kind: type[ProviderError], upstream: Upstream, status: int | None, detail: ErrorDetail
) -> tuple[str, str]:
    """The sentence that says what happened, and the one that says what to do."""
    message, hint = _WORDS.get(kind, _WORDS[InvalidRequest])
    if kind is AccessDenied and (detail.is_page or detail.firewall_code):
        message, hint = _FIREWALL
    if kind is ModelUnavailable and upstream.profile.local:
        hint = "Load it there first, or choose another model."
    if kind is AuthenticationFailed and upstream.profile.keys_page:
        hint += f" Keys are made at {upstream.profile.keys_page}."
    number = f"HTTP {status}{_phrase(status)}" if status else "in the midst of the answer"
    words = {
        "label": upstream.label,
        "host": upstream.host,
        "key_place": upstream.key_place,
        "model": upstream.quote(upstream.model) if upstream.model else "the model",
        "number": f" (error {detail.firewall_code})" if detail.firewall_code else f" ({number})",
        "said": _said(upstream, detail),
    }
    return message.format_map(words), hint.format_map(words)


def _said(upstream: Upstream, detail: ErrorDetail) -> str:
    quoted = upstream.quote(detail.message)
    if not quoted:
        return "."
    return f": {quoted}" if quoted.endswith((".", "!", "?", "…")) else f": {quoted}."


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _until_next_month(headers: Mapping[str, str]) -> float:
    """Seconds, by the server's clock where it tells the time."""
    from email.utils import parsedate_to_datetime  # slow to import, and rarely needed

    try:
        now = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        now = datetime.now(UTC)
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return ((month + timedelta(days=32)).replace(day=1) - now).total_seconds()


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return next((int(group) for group in found.groups() if group), None) if found else None
