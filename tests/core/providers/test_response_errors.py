from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from core.providers.profiles import GROQ, OLLAMA
from core.providers.response_errors import event_error, response_error
from core.providers.upstream import Upstream

KEY = "key-that-must-stay-secret-0123456789"
GROQ_CALL = Upstream(GROQ, GROQ.base_url, model="openai/gpt-oss-20b", key=KEY)


def groq_error(
    status: int,
    message: str,
    *,
    code: str | None = None,
    kind: str | None = None,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> ProviderError:
    body = {"error": {"message": message, "type": kind, "code": code, **more}}
    return response_error(GROQ_CALL, status, headers or {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, None, "property 'messages.0.name' is unsupported", InvalidRequest),
        (400, "json_validate_failed", "Failed to generate JSON", OutputInvalid),
        (400, "tool_use_failed", "Failed to call a function", ToolCallInvalid),
        (400, "blocked_api_access", "API access blocked by spend limit", QuotaExhausted),
        (400, "model_decommissioned", "The model `llama3-8b-8192` has been decommissioned", ModelUnavailable),
        (400, "model_terms_required", "The model requires terms acceptance", ModelUnavailable),
        (400, "context_length_exceeded", "Please reduce the length of the messages", RequestTooLarge),
        (400, None, "This model's maximum context length is 8192 tokens", RequestTooLarge),
        (401, "invalid_api_key", "Invalid API Key", AuthenticationFailed),
        (401, None, "", AuthenticationFailed),
        (402, None, "Payment required", QuotaExhausted),
        (403, None, "Not allowed", AccessDenied),
        (403, "model_permission_blocked_org", "blocked at the organization level", ModelUnavailable),
        (404, "model_not_found", "The model `x` does not exist or you do not have access", ModelUnavailable),
        (404, None, "model 'llama9' not found", ModelUnavailable),
        (404, "unknown_url", "Unknown request URL: POST /openai/v2/chat/completions", UnexpectedResponse),
        (404, None, "Not Found", UnexpectedResponse),
        (405, None, "Method Not Allowed", UnexpectedResponse),
        (413, "rate_limit_exceeded", "Request too large for model", RequestTooLarge),
        (422, None, "semantic errors", Unprocessable),
        (424, None, "failed dependency", Unprocessable),
        (429, "rate_limit_exceeded", "Rate limit reached", RateLimited),
        (429, "rate_limit_exceeded", "Request too large for gpt-4o on tokens per min", RequestTooLarge),
        (429, "insufficient_quota", "You exceeded your current quota", QuotaExhausted),
        (498, "capacity_exceeded", "Flex tier capacity exceeded", CapacityExceeded),
        (500, None, "Internal Server Error", ServerFailed),
        (502, None, "", ServerFailed),
        (503, None, "over capacity", ServerFailed),
        (529, None, "overloaded", ServerFailed),
    ],
)
def test_each_status_and_code_has_its_error(
    status: int, code: str | None, message: str, kind: type[ProviderError]
) -> None:
    error = groq_error(status, message, code=code)
    assert type(error) is kind
    assert (error.provider, error.status, error.code) == ("groq", status, code)
    assert error.message.endswith((".", "!", "?"))
    assert error.hint.endswith(".")
    assert message.rstrip(".") in error.message


def test_a_rate_limit_says_how_long_to_wait() -> None:
    message = (
        "Rate limit reached for model `openai/gpt-oss-20b` in organization `org_1` service tier `on_demand`"
        " on tokens per minute (TPM): Limit 8000, Used 7713, Requested 988. Please try again in 1m2.5s."
    )
    error = groq_error(429, message, code="rate_limit_exceeded", kind="tokens")
    assert isinstance(error, RateLimited)
    assert error.retry_after == 62.5
    assert "1 min" in error.hint
    by_header = groq_error(429, message, headers={"retry-after": "5", "x-request-id": "req_1"})
    assert isinstance(by_header, RateLimited)
    assert by_header.retry_after == 5
    assert by_header.request_id == "req_1"


@pytest.mark.parametrize(
    ("message", "limit", "requested"),
    [
        (
            "Request too large for model `openai/gpt-oss-20b` on tokens per minute (TPM): Limit 8000,"
            " Requested 9250, please reduce your message size and try again.",
            8000,
            9250,
        ),
        (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001.",
            8192,
            9001,
        ),
        (
            "the request (9001 tokens) exceeds the available context size (8192 tokens), try increasing it",
            8192,
            9001,
        ),
        ("Request Entity Too Large", None, None),
    ],
)
def test_a_request_that_is_too_large_names_the_numbers(
    message: str, limit: int | None, requested: int | None
) -> None:
    error = groq_error(413, message)
    assert isinstance(error, RequestTooLarge)
    assert (error.limit, error.requested) == (limit, requested)


@pytest.mark.parametrize(
    ("date", "left"),
    [
        ("Mon, 30 Nov 2026 23:00:00 GMT", 3600),
        ("Tue, 01 Dec 2026 00:00:00 GMT", 31 * 86_400),
        ("Thu, 31 Dec 2026 12:00:00 GMT", 12 * 3600),
    ],
)
def test_a_spend_cap_lasts_until_the_month_ends(date: str, left: int) -> None:
    error = groq_error(400, "Spend limit reached", code="blocked_api_access", headers={"date": date})
    assert isinstance(error, QuotaExhausted)
    assert error.renews_in == left
    assert "begins anew with the month" in error.hint


@pytest.mark.parametrize("date", [{}, {"date": "no date"}])
def test_a_spend_cap_lasts_for_a_month_at_most_by_our_own_clock(date: dict[str, str]) -> None:
    error = groq_error(400, "Spend limit reached", code="blocked_api_access", headers=date)
    assert isinstance(error, QuotaExhausted)
    assert error.renews_in is not None
    assert 0 < error.renews_in <= 31 * 86_400


def test_credit_that_is_used_up_does_not_come_back_by_itself() -> None:
    error = groq_error(429, "You exceeded your current quota", code="insufficient_quota")
    assert isinstance(error, QuotaExhausted)
    assert error.renews_in is None


@pytest.mark.parametrize(
    ("status", "title", "kind", "words"),
    [
        (502, "api.groq.com | 502: Bad gateway", ServerFailed, "502: Bad gateway"),
        (522, "api.groq.com | 522: Connection timed out", ServerFailed, "522: Connection timed out"),
        (503, "Just a moment...", ServerFailed, "Just a moment..."),
        (429, "Access denied | api.groq.com", RateLimited, "Access denied"),
        (413, "413 Payload Too Large", RequestTooLarge, "413 Payload Too Large"),
        (403, "Just a moment...", AccessDenied, "A firewall in front of Groq"),
        (499, "Client closed request", ServerFailed, "Client closed request"),
    ],
)
def test_pages_of_what_stands_before_the_provider(
    status: int, title: str, kind: type[ProviderError], words: str
) -> None:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>x</body></html>".encode()
    error = response_error(GROQ_CALL, status, {}, page)
    assert type(error) is kind
    assert words in error.message
    assert "<" not in error.message
    assert error.hint


@pytest.mark.parametrize("code", ["tool_use_failed", "json_validate_failed"])
def test_what_the_model_wrote_is_kept(code: str) -> None:
    error = groq_error(400, "Failed", code=code, failed_generation='<function=f>{"a": 1')
    assert isinstance(error, ToolCallInvalid | OutputInvalid)
    assert error.failed_generation == '<function=f>{"a": 1'


CLOUDFLARE_PAGE = (
    b"<!DOCTYPE html><html><head><title>Access denied | api.groq.com used Cloudflare</title></head>"
    b"<body><h1>Error <span>1010</span></h1><h2>error code: 1010</h2></body></html>"
)


@pytest.mark.parametrize("body", [CLOUDFLARE_PAGE, b"error code: 1010"])
def test_the_firewall_in_front_has_its_own_sentence(body: bytes) -> None:
    error = response_error(GROQ_CALL, 403, {"content-type": "text/html"}, body)
    assert isinstance(error, AccessDenied)
    assert error.message == "A firewall in front of Groq refuses the call (error 1010)."
    assert "network" in error.hint


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><head><title>502 Bad Gateway</title><style>x{}</style></head></html>", "502 Bad Gateway"),
        (b"<html><body><style>p{}</style><p>Upstream &amp; down</p></body></html>", "Upstream & down"),
        (b"upstream connect error or disconnect/reset before headers", "upstream connect error"),
        (b'{"detail": "Service Unavailable"}', "Service Unavailable"),
        (b'{"detail": [{"loc": ["body"], "msg": "field required"}]}', "field required"),
        (b'{"error": "model runner has stopped"}', "model runner has stopped"),
        (b'[{"error": {"code": 503, "message": "overloaded"}}]', "overloaded"),
        (b'{"message": "no healthy upstream"}', "no healthy upstream"),
        (b'{"error": {"message": "broken JS', "broken JS"),
        (b"\xff\xfe", "\N{REPLACEMENT CHARACTER}"),
        (b"", "HTTP 502 Bad Gateway"),
    ],
)
def test_bodies_of_every_shape(body: bytes, words: str) -> None:
    error = response_error(GROQ_CALL, 502, {}, body)
    assert isinstance(error, ServerFailed)
    assert words in error.message


@given(st.binary(max_size=80), st.integers(300, 599))
def test_any_body_at_any_status_is_an_error_of_ours(body: bytes, status: int) -> None:
    error = response_error(GROQ_CALL, status, {}, body)
    assert isinstance(error, ProviderError)
    assert error.status == status


def test_a_redirect_names_the_place() -> None:
    error = response_error(GROQ_CALL, 308, {"location": "https://elsewhere/v1/"}, b"")
    assert isinstance(error, UnexpectedResponse)
    assert "https://elsewhere/v1/" in error.message


def test_a_model_a_local_server_has_not_loaded() -> None:
    call = Upstream(OLLAMA, OLLAMA.base_url, model="llama9")
    error = response_error(call, 404, {}, b'{"error":{"message":"model \\"llama9\\" not found"}}')
    assert isinstance(error, ModelUnavailable)
    assert error.hint == "Load it there first, or choose another model."


def test_the_key_and_control_characters_stay_out() -> None:
    url = "https://user:passw0rd@host.example/v1"
    call = Upstream(GROQ, url, key=KEY)
    for status in (302, 400, 401, 404, 500):
        message = f"Incorrect key {KEY}\x1b[2J provided\nfor Bearer gsk_0123456789abcdefghij"
        error = response_error(call, status, {"location": f"/{KEY}"}, json.dumps({"error": message}).encode())
        shown = f"{error!r} {error} {error.hint}"
        assert KEY not in shown
        assert "gsk_0123" not in shown
        assert "passw0rd" not in shown
        assert "\x1b" not in shown
    assert KEY not in repr(call)


def test_a_long_text_is_cut() -> None:
    assert len(groq_error(500, "x" * 100_000).message) < 600


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"error": {"message": "Failed", "code": "tool_use_failed", "status_code": 400}}, ToolCallInvalid),
        ({"error": {"message": "busy", "status_code": 503}}, ServerFailed),
        ({"error": {"message": "no", "type": "invalid_request_error"}}, InvalidRequest),
        ({"error": {"message": "slow", "code": "rate_limit_exceeded"}}, RateLimited),
        ({"error": {"message": "slow", "code": 429}}, RateLimited),
        (
            {
                "error": {
                    "message": "Request too large: Limit 8000, Requested 9",
                    "code": "rate_limit_exceeded",
                }
            },
            RequestTooLarge,
        ),
        ({"error": {"message": "no tool server", "status_code": 424}}, Unprocessable),
        ({"error": {"message": "full", "code": "capacity_exceeded", "status_code": 498}}, CapacityExceeded),
        ({"error": "over capacity"}, ServerFailed),
        ("over capacity", ServerFailed),
        ({}, ServerFailed),
        (None, ServerFailed),
    ],
)
def test_errors_within_a_stream(payload: object, kind: type[ProviderError]) -> None:
    error = event_error(GROQ_CALL, payload, request_id="req_9")
    assert type(error) is kind
    assert error.request_id == "req_9"
