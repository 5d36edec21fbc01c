"""Groq's error answers; texts follow recorded ones."""

from __future__ import annotations

from typing import Any

__all__ = ("ApiError", "invalid_request")


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
        type: str = "invalid_request_error",  # noqa: A002  the field's name on the wire
        code: str | None = None,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        error: dict[str, Any] = {"message": message, "type": type}
        if code is not None:
            error["code"] = code
        self.body = {"error": error | {name: value for name, value in fields.items() if value is not None}}


def invalid_request(message: str, *, code: str | None = None, **fields: Any) -> ApiError:
    """A 400: something in the body is refused."""
    return ApiError(400, message, code=code, **fields)
