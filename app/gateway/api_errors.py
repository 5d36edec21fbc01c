"""Errors as OpenAI's SDKs read them: a status, and ``{"error": {message, type, param, code}}``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pydantic_core import to_json

from core.credentials import redact
from core.errors import (
    AccessDenied,
    AllRoutesFailed,
    AuthenticationFailed,
    BudgetExceeded,
    ConnectionFailed,
    CredentialsError,
    InputError,
    KeyRefused,
    LanguageUnknown,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ServerFailed,
    SpeechModelUnusable,
    StorageError,
    StreamStalled,
    TensorWallError,
    UnexpectedResponse,
    UnknownRoute,
    VoiceUnavailable,
)
from core.providers.error_types import error_type

__all__ = ("ApiError", "api_error", "being_stopped", "invalid_request")

_OF_THE_CLIENT = range(400, 500)
_NO_RETRY = {"x-should-retry": "false"}
"""What OpenAI's and Groq's SDKs go by before they try again unasked."""


class ApiError(Exception):
    """An answer that refuses or fails.

    Attributes:
        status: the HTTP status.
        message: for people, without secrets.
        code: for programs.
        param: the field of the request that is at fault.
        headers: such as ``retry-after``.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        kind: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.kind = kind or error_type(status)
        self.param = param
        self.headers = dict(headers or {})

    @property
    def body(self) -> bytes:
        """The JSON."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return to_json({"error": error})


def invalid_request(message: str, *, param: str | None = None, code: str | None = None) -> ApiError:
    """400: the request cannot be understood."""
    return ApiError(400, message, param=param, code=code)


def being_stopped() -> ApiError:
    """The server's grace is over, and an answer is cut off."""
    headers = {"retry-after": "1"}
    return ApiError(503, "The gateway is being stopped.", code="stopping", headers=headers)


def api_error(error: TensorWallError, *, own_keys: Iterable[str] = ()) -> ApiError:
    """What a client is told of an error.

    Args:
        error: what went wrong.
        own_keys: providers that were asked with a key of the client's own; whether that is refused is
            the client's business, while a key of ours that is refused is a fault of this server.
    """
    match error:
        case KeyRefused():
            status = 403 if error.code == "scope" else 401
            return _told(error, status, code=_KEY_CODES.get(error.code, "invalid_api_key"))
        case InputError():
            return _told(error, 400)
        case UnknownRoute():
            return _told(error, 404, code="model_not_found", param="model")
        case BudgetExceeded():
            return _told(
                error, 429, code="insufficient_quota", kind="insufficient_quota", headers=_until_refill(error)
            )
        case StorageError():
            return _told(error, 503, code="storage_unavailable", headers={"retry-after": "1"})
        case SpeechModelUnusable():
            return _told(error, 404, code="model_not_found", param="model")
        case LanguageUnknown():
            return _told(error, 400, param="language")
        case VoiceUnavailable():
            return _told(error, 501, code="voice_unavailable")
        case CredentialsError():
            return _told(error, 503, code="provider_key_missing", headers=_NO_RETRY)
        case AllRoutesFailed():
            return _all_failed(error, set(own_keys))
        case ProviderError():
            return _provider_error(error, set(own_keys))
    return _told(error, 500, code=type(error).__name__)


_KEY_CODES = {
    "missing": "missing_api_key",
    "revoked": "revoked_api_key",
    "expired": "expired_api_key",
    "scope": "key_scope",
    "bearer": "unknown_provider_key",
}


def _all_failed(failure: AllRoutesFailed, own_keys: set[str]) -> ApiError:
    """Of the causes the one that the client can do most about: waiting, else what the last route said."""
    limited = [cause for cause in failure.causes if isinstance(cause, RateLimited)]
    waits = [cause.retry_after for cause in limited if cause.retry_after is not None]
    if limited and len(limited) == sum(isinstance(cause, ProviderError) for cause in failure.causes):
        return _told(
            failure, 429, code="rate_limit_exceeded", headers=_retry_after(min(waits)) if waits else {}
        )
    told = api_error(failure.causes[-1], own_keys=own_keys)
    if told.status != 401:  # then it tells of a key, and whose it is
        told.message = _words(failure)
    return told


def _provider_error(error: ProviderError, own_keys: set[str]) -> ApiError:
    own = error.provider in own_keys
    headers: dict[str, str] = {}
    code: str | None
    if isinstance(error, RateLimited | ServerFailed) and error.retry_after is not None:
        headers = _retry_after(error.retry_after)
    match error:
        case AuthenticationFailed() if own:
            message = f"{error.message} It is the key that came with this request as Authorization: Bearer."
            return ApiError(401, redact(message), code=error.code or "invalid_api_key")
        case AuthenticationFailed() | AccessDenied() | QuotaExhausted() if not own:
            status, code, headers = 502, error.code or "provider_refused", dict(_NO_RETRY)
        case ConnectionFailed():
            status, code = 502, "provider_unreachable"
        case StreamStalled():
            status, code = 504, "provider_stalled"
        case ServerFailed() | UnexpectedResponse():
            status, code = 502, error.code or "provider_failed"
        case _ if error.status in _OF_THE_CLIENT:
            assert error.status is not None
            status, code = error.status, error.code
        case _:
            status, code = 502, error.code or "provider_failed"
    return _told(error, status, code=code, headers=headers)


def _told(
    error: TensorWallError,
    status: int,
    *,
    code: str | None = None,
    kind: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> ApiError:
    return ApiError(status, _words(error), code=code, kind=kind, param=param, headers=headers)


def _words(error: TensorWallError) -> str:
    return redact(str(error))


def _retry_after(seconds: float) -> dict[str, str]:
    """Whole seconds for everybody, and milliseconds for the SDKs that read them."""
    return {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(math.ceil(seconds * 1000))}


def _until_refill(error: BudgetExceeded) -> dict[str, str]:
    if error.refills_at is None:
        return dict(_NO_RETRY)
    seconds = max(0.0, (error.refills_at - datetime.now(UTC)).total_seconds())
    return {"retry-after": str(math.ceil(seconds)), **_NO_RETRY}
