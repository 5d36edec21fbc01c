"""What a line's failure means: for the line, for the pace, and for all lines after it."""

from __future__ import annotations

from enum import Enum

from core.batch.output import OutputLine
from core.errors import (
    AllRoutesFailed,
    AuthenticationFailed,
    BudgetExceeded,
    ConnectionFailed,
    CredentialsError,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    ServerFailed,
    StorageError,
    TensorWallError,
)
from core.providers.error_types import error_type
from core.routing.actions import Action, policy_for

__all__ = ("Meaning", "error_line", "meaning_of", "told_wait")

_FOR_ALL = (CredentialsError, AuthenticationFailed, QuotaExhausted)
"""Whatever is asked, the next line meets the same."""
_Cause = ProviderError | CredentialsError | BudgetExceeded


class Meaning(Enum):
    """What to do about a failure."""

    LINE = "the line's own: it is told in the output"
    LIMIT = "a limit is used up for now: the line is asked again, however often"
    PASSING = "it may pass: the line is asked again a few times"
    BUDGET = "money is short while others are under way: it may be there once they have ended"
    ALL = "every line would meet it: the batch stops"


def causes_of(error: TensorWallError) -> tuple[TensorWallError, ...]:
    """What each route said."""
    return error.causes or (error,) if isinstance(error, AllRoutesFailed) else (error,)


def meaning_of(error: TensorWallError) -> Meaning:
    """What a failed request means for the batch."""
    causes = causes_of(error)
    if any(isinstance(cause, RateLimited) for cause in causes):
        return Meaning.LIMIT
    if isinstance(error, BudgetExceeded):
        return Meaning.BUDGET
    if isinstance(error, StorageError) or all(isinstance(cause, _FOR_ALL) for cause in causes):
        return Meaning.ALL
    if any(isinstance(cause, _Cause) and policy_for(cause).action is Action.LATER for cause in causes):
        return Meaning.PASSING
    return Meaning.LINE


def told_wait(error: TensorWallError) -> float | None:
    """The seconds that a provider asked to wait; ``None`` where none did."""
    told = [
        cause.retry_after
        for cause in causes_of(error)
        if isinstance(cause, RateLimited | ServerFailed) and cause.retry_after is not None
    ]
    return min(told, default=None)


def nobody_answers(error: TensorWallError) -> bool:
    """Whether no server was reached at all."""
    return all(isinstance(cause, ConnectionFailed) for cause in causes_of(error))


def error_line(custom_id: str, error: TensorWallError) -> OutputLine:
    """The output line of a request that failed: the provider's status and error, where it answered."""
    cause = causes_of(error)[-1]
    status = cause.status if isinstance(cause, ProviderError) else None
    code = (cause.code if isinstance(cause, ProviderError) else None) or type(cause).__name__
    if not isinstance(cause, ProviderError) or status is None or status < 400:
        return OutputLine(custom_id, error={"code": code, "message": error.message})
    told = {"message": error.message, "type": error_type(status), "param": None, "code": code}
    return OutputLine(custom_id, status, cause.request_id, {"error": told})
