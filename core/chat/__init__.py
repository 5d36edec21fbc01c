"""The vocabulary every part shares: messages, requests, stream events, usage, responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.chat.safe_text import safe_text

if TYPE_CHECKING:
    from core.chat.decision import CallObserver, CallOutcome, Decision, SkippedRoute, UpstreamCall
    from core.chat.events import (
        Event,
        Finished,
        FinishReason,
        LimitsReported,
        ReasoningDelta,
        RouteChanged,
        RouteChosen,
        TextDelta,
        ToolCallDelta,
        UsageReported,
        Waiting,
    )
    from core.chat.messages import (
        FunctionCall,
        ImagePart,
        ImageUrl,
        Message,
        Part,
        Role,
        TextPart,
        ToolCall,
    )
    from core.chat.request import (
        ChatRequest,
        FunctionTool,
        JsonObjectFormat,
        JsonSchema,
        JsonSchemaFormat,
        NamedToolChoice,
        ReasoningEffort,
        ResponseFormat,
        ServiceTier,
        ToolChoice,
        ToolDefinition,
    )
    from core.chat.response import ChatResponse
    from core.chat.usage import RateLimits, Usage

__all__ = (
    "CallObserver",
    "CallOutcome",
    "ChatRequest",
    "ChatResponse",
    "Decision",
    "Event",
    "FinishReason",
    "Finished",
    "FunctionCall",
    "FunctionTool",
    "ImagePart",
    "ImageUrl",
    "JsonObjectFormat",
    "JsonSchema",
    "JsonSchemaFormat",
    "LimitsReported",
    "Message",
    "NamedToolChoice",
    "Part",
    "RateLimits",
    "ReasoningDelta",
    "ReasoningEffort",
    "ResponseFormat",
    "Role",
    "RouteChanged",
    "RouteChosen",
    "ServiceTier",
    "SkippedRoute",
    "TextDelta",
    "TextPart",
    "ToolCall",
    "ToolCallDelta",
    "ToolChoice",
    "ToolDefinition",
    "UpstreamCall",
    "Usage",
    "UsageReported",
    "Waiting",
    "safe_text",
)

_MODULES = {
    "decision": ("CallObserver", "CallOutcome", "Decision", "SkippedRoute", "UpstreamCall"),
    "events": (
        "Event",
        "Finished",
        "FinishReason",
        "LimitsReported",
        "ReasoningDelta",
        "RouteChanged",
        "RouteChosen",
        "TextDelta",
        "ToolCallDelta",
        "UsageReported",
        "Waiting",
    ),
    "messages": ("FunctionCall", "ImagePart", "ImageUrl", "Message", "Part", "Role", "TextPart", "ToolCall"),
    "request": (
        "ChatRequest",
        "FunctionTool",
        "JsonObjectFormat",
        "JsonSchema",
        "JsonSchemaFormat",
        "NamedToolChoice",
        "ReasoningEffort",
        "ResponseFormat",
        "ServiceTier",
        "ToolChoice",
        "ToolDefinition",
    ),
    "response": ("ChatResponse",),
    "usage": ("RateLimits", "Usage"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load the rest when it is first asked for: a screen needs only ``safe_text`` to paint, not pydantic."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"core.chat.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
