"""What is asked of a model: one chat request, independent of who serves it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.chat.messages import Message

__all__ = (
    "LONGEST_MODEL_NAME",
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
)

LONGEST_MODEL_NAME = 200
"""Characters that others may give us: the name is stored with every call, and shown in tables."""
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high"]
"""From least to most."""
ServiceTier = Literal["auto", "on_demand", "flex", "performance"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


class FunctionTool(_Frozen):
    """A function the model may call; ``parameters`` is a JSON schema."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    description: str | None = None
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None


class ToolDefinition(_Frozen):
    """A tool as the chat API wraps it."""

    type: Literal["function"] = "function"
    function: FunctionTool


class _NamedFunction(_Frozen):
    name: str


class NamedToolChoice(_Frozen):
    """Make the model call this one function."""

    type: Literal["function"] = "function"
    function: _NamedFunction


ToolChoice = Literal["none", "auto", "required"] | NamedToolChoice


class JsonObjectFormat(_Frozen):
    """Answer with any one JSON object."""

    type: Literal["json_object"] = "json_object"


class JsonSchema(_Frozen):
    """A named JSON schema; ``strict`` asks for constrained decoding."""

    name: str = "answer"
    schema_: dict[str, Any] = Field(alias="schema")
    strict: bool | None = None
    description: str | None = None


class JsonSchemaFormat(_Frozen):
    """Answer with JSON that fits the schema."""

    type: Literal["json_schema"] = "json_schema"
    json_schema: JsonSchema


ResponseFormat = Annotated[JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


class ChatRequest(_Frozen):
    """One request.

    ``model`` is a route's name, an alias or a provider's own model id. ``max_completion_tokens`` is
    the most tokens to generate, reasoning included; ``None`` lets the provider profile choose one
    that fits. ``spoken`` tells that the answer is listened to, so that the route that speaks first is the
    best one. ``extra`` holds fields this vocabulary does not know; they go on the wire untouched.

    ``relayed`` is the body of a client that asked through us. It goes on the wire in place of the other
    fields, which then only tell what is in it, and its answer comes with ``Relayed`` events.
    """

    model: str = Field(min_length=1)
    messages: list[Message] = Field(min_length=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    stop: list[str] | None = Field(default=None, max_length=4)
    seed: int | None = None
    max_completion_tokens: int | None = Field(default=None, ge=1)
    response_format: ResponseFormat | None = None
    tools: list[ToolDefinition] | None = Field(default=None, max_length=128)
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: ReasoningEffort | None = None
    service_tier: ServiceTier | None = None
    user: str | None = None
    spoken: bool = False
    extra: dict[str, Any] = Field(default_factory=dict)
    relayed: dict[str, Any] | None = Field(default=None, repr=False)
