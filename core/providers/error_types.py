"""The ``type`` of an error in OpenAI's form, wherever one of ours is told in it."""

from __future__ import annotations

__all__ = ("error_type",)

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    408: "timeout_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
}


def error_type(status: int) -> str:
    """What errors of this HTTP status are called."""
    return _TYPES.get(status, "api_error")
