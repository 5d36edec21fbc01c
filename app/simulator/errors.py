"""Groq's error answers; the texts follow recorded ones."""

from __future__ import annotations

import math

from app.simulator.go_duration import go_duration

__all__ = (
    "ApiError",
    "context_length_exceeded",
    "invalid_api_key",
    "invalid_request",
    "json_validate_failed",
    "model_decommissioned",
    "model_not_found",
    "place",
    "rate_limited",
    "too_large",
    "tool_use_failed",
)

_UPGRADE = "Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing"
_SEE = "Please adjust your prompt. See 'failed_generation' for more details"


class ApiError(Exception):
    """Ends a request with an error answer; server-side only, it never crosses to a client.

    Attributes:
        status: the HTTP status.
        body: the JSON object of the answer.
        headers: further headers.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        failed_generation: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        optional = {"code": code, "param": param, "failed_generation": failed_generation}
        given = {name: value for name, value in optional.items() if value is not None}
        self.body = {"error": {"message": message, "type": kind, **given}}


def invalid_request(message: str, *, param: str | None = None) -> ApiError:
    """400: something in the body is refused."""
    return ApiError(400, message, param=param)


def invalid_api_key() -> ApiError:
    """401."""
    return ApiError(401, "Invalid API Key", code="invalid_api_key")


def model_not_found(model: str) -> ApiError:
    """404: unknown, or not for this key."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return ApiError(404, message, code="model_not_found")


def model_decommissioned(model: str) -> ApiError:
    """400: retired."""
    message = (
        f"The model `{model}` has been decommissioned and is no longer supported. Please refer to "
        "https://console.groq.com/docs/deprecations for a recommendation on which model to use instead."
    )
    return ApiError(400, message, code="model_decommissioned")


def context_length_exceeded() -> ApiError:
    """400: prompt and output cap do not fit the window."""
    message = "Please reduce the length of the messages or completion."
    return ApiError(400, message, code="context_length_exceeded", param="messages")


def tool_use_failed(generation: str, message: str | None = None) -> ApiError:
    """400: the model wrote a malformed call, or one of a tool that is not there."""
    message = message or f"Failed to call a function. {_SEE}."
    return ApiError(400, message, code="tool_use_failed", failed_generation=generation)


def json_validate_failed(generation: str, reason: str = "") -> ApiError:
    """400: the model did not write the JSON asked for."""
    message = f"Failed to generate JSON. {_SEE}{reason and f': {reason}'}"
    return ApiError(400, message, code="json_validate_failed", failed_generation=generation)


def rate_limited(where: str, limit: str, size: int, used: float, requested: int, wait: float) -> ApiError:
    """429: the bucket has too little left.

    Args:
        where: model, organization and tier, as ``place`` words them.
        limit: which one, such as ``tokens per minute (TPM)``.
        size: of the bucket.
        used: in the bucket.
        requested: by this call.
        wait: seconds until it would fit.
    """
    message = (
        f"Rate limit reached for {where} on {limit}: Limit {size}, Used {math.ceil(used - 1e-6)}, "
        f"Requested {requested}. Please try again in {go_duration(wait)}. {_UPGRADE}"
    )
    return ApiError(
        429,
        message,
        kind=limit.split(maxsplit=1)[0],
        code="rate_limit_exceeded",
        headers={"retry-after": str(math.ceil(wait))},
    )


def too_large(where: str, limit: str, size: int, requested: int) -> ApiError:
    """413: the call is larger than the bucket."""
    message = (
        f"Request too large for {where} on {limit}: Limit {size}, Requested {requested}, please reduce "
        f"your message size and try again. {_UPGRADE}"
    )
    return ApiError(413, message, kind="tokens", code="rate_limit_exceeded")


def place(model: str, organization: str) -> str:
    """Where a limit was met, in Groq's words."""
    return f"model `{model}` in organization `{organization}` service tier `on_demand`"
