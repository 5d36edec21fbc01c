"""What each kind of failure calls for: one row an error class.

The rows follow what Groq's errors mean (https://console.groq.com/docs/errors): whether the same call
may work later, elsewhere, with another model, with a smaller output cap, or never.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from core.chat import ChatRequest
from core.errors import (
    AccessDenied,
    AuthenticationFailed,
    BudgetExceeded,
    CapacityExceeded,
    ConnectionFailed,
    CredentialsError,
    InvalidRequest,
    ModelUnavailable,
    OfflineUnavailable,
    OutputInvalid,
    ProviderError,
    QuotaExhausted,
    RateLimited,
    RequestTooLarge,
    ServerFailed,
    StreamInterrupted,
    StreamStalled,
    TensorWallError,
    ToolCallInvalid,
    UnexpectedResponse,
    Unprocessable,
)

__all__ = ("Action", "ErrorPolicy", "RouteError", "cooled_down", "on_demand", "policy_for", "shrunk")

RouteError = ProviderError | CredentialsError | BudgetExceeded
"""What a call on one route can fail with, or be refused for."""

_FAILED_DEPENDENCY = 424
_LEAST_USEFUL_CAP = 128
"""Tokens; an answer cut to fewer than this helps nobody."""
_STEADY_TEMPERATURE = 0.2
"""Low enough that a second try at well-formed JSON is unlikely to stray in the same way."""


class Action(Enum):
    """What the router does about a failed call, as long as no part of the answer has been passed on."""

    RAISE = "give up: it would fail everywhere"
    ELSEWHERE = "another route; this one is out for this request"
    LATER = "another route now; this one again after a pause, where no other is ready"
    REPEAT = "this route once more, at once; then elsewhere"
    REPLACE_MODEL = "this provider's replacement for the model; without one, elsewhere"
    ON_DEMAND = "this route without the flex tier; then elsewhere"
    SHRINK = "this route with an output cap that fits the limit; otherwise elsewhere"


@dataclass(frozen=True, slots=True)
class ErrorPolicy:
    """The row of one error class.

    Attributes:
        because: the reason in a phrase that goes on from the provider's name.
        unhealthy: whether it counts against the endpoint in its circuit and latency.
        set_aside: seconds for which the endpoint is known to fail again, so that others go first.
    """

    action: Action
    because: str
    unhealthy: bool = False
    set_aside: float = 0.0


_POLICIES: dict[type[TensorWallError], ErrorPolicy] = {
    InvalidRequest: ErrorPolicy(Action.RAISE, "refused the request"),
    AuthenticationFailed: ErrorPolicy(Action.ELSEWHERE, "refused the key", set_aside=60),
    CredentialsError: ErrorPolicy(Action.ELSEWHERE, "has no key", set_aside=60),
    AccessDenied: ErrorPolicy(Action.ELSEWHERE, "denied access", set_aside=60),
    BudgetExceeded: ErrorPolicy(Action.ELSEWHERE, "costs more than the budget leaves"),
    QuotaExhausted: ErrorPolicy(Action.ELSEWHERE, "has no quota left", set_aside=600),
    ModelUnavailable: ErrorPolicy(Action.REPLACE_MODEL, "does not serve the model", set_aside=60),
    RequestTooLarge: ErrorPolicy(Action.SHRINK, "finds the request too large"),
    RateLimited: ErrorPolicy(Action.LATER, "is at its rate limit"),
    CapacityExceeded: ErrorPolicy(Action.ON_DEMAND, "has no flex capacity"),
    OfflineUnavailable: ErrorPolicy(Action.ELSEWHERE, "cannot answer on this machine"),
    OutputInvalid: ErrorPolicy(Action.REPEAT, "wrote invalid JSON"),
    ToolCallInvalid: ErrorPolicy(Action.REPEAT, "wrote an invalid tool call"),
    Unprocessable: ErrorPolicy(Action.REPEAT, "could not process the request"),
    ConnectionFailed: ErrorPolicy(Action.LATER, "did not answer", unhealthy=True),
    ServerFailed: ErrorPolicy(Action.LATER, "failed", unhealthy=True),
    StreamInterrupted: ErrorPolicy(Action.LATER, "broke off", unhealthy=True),
    StreamStalled: ErrorPolicy(Action.ELSEWHERE, "went silent", unhealthy=True),
    UnexpectedResponse: ErrorPolicy(Action.ELSEWHERE, "gave no usable answer", unhealthy=True),
    ProviderError: ErrorPolicy(Action.ELSEWHERE, "failed", unhealthy=True),
}


def policy_for(error: RouteError) -> ErrorPolicy:
    """The row of the error's class, or of the nearest base that has one."""
    policy = next(_POLICIES[cls] for cls in type(error).__mro__ if cls in _POLICIES)
    if isinstance(error, Unprocessable) and error.status == _FAILED_DEPENDENCY:
        return replace(policy, action=Action.ELSEWHERE)
    if isinstance(error, QuotaExhausted) and error.renews_in is not None:
        return replace(policy, set_aside=error.renews_in)
    return policy


def cooled_down(request: ChatRequest) -> ChatRequest:
    """The request at a low temperature, for a second try at well-formed output."""
    if request.temperature is not None and request.temperature <= _STEADY_TEMPERATURE:
        return request
    return request.model_copy(update={"temperature": _STEADY_TEMPERATURE})


def on_demand(request: ChatRequest) -> ChatRequest | None:
    """The request on the ordinary tier; ``None`` where it already was."""
    if request.service_tier in ("flex", "auto"):
        return request.model_copy(update={"service_tier": "on_demand"})
    return None


def shrunk(request: ChatRequest, error: RouteError, sent_cap: int | None) -> ChatRequest | None:
    """The request with the output cap that the limit leaves room for.

    A provider admits prompt plus cap, so that what is too much comes off the cap. ``sent_cap`` is the
    cap in tokens that went on the wire. ``None`` where the numbers are missing or the prompt itself
    leaves no useful room.
    """
    if not isinstance(error, RequestTooLarge) or error.limit is None or error.requested is None:
        return None
    excess = error.requested - error.limit
    if sent_cap is None or excess <= 0:
        return None
    cap = sent_cap - excess
    return request.model_copy(update={"max_completion_tokens": cap}) if cap >= _LEAST_USEFUL_CAP else None
