"""What a test, a benchmark or the demo may ask of the simulator, for one API key or one request."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat

__all__ = (
    "ContentShape",
    "Fault",
    "FaultKind",
    "FaultWithin",
    "Limits",
    "Options",
    "Quirk",
    "Tier",
    "ToolCallOption",
)

ContentShape = Literal[
    "answer",
    "markdown",
    "code",
    "list",
    "table",
    "paragraph",
    "cjk",
    "adversarial",
    "long_line",
]
"""``answer`` replies to the prompt; the others are test material of the named shape."""

FaultInstead = Literal[
    "reset",
    "close",
    "hang",
    "unauthorized",
    "forbidden",
    "cloudflare",
    "blocked",
    "context_length",
    "model_not_found",
    "model_decommissioned",
    "bad_request",
    "unprocessable",
    "failed_dependency",
    "rate_limited",
    "too_large",
    "capacity",
    "server_error",
    "empty_body",
    "html_page",
    "plain_text",
]
"""Faults that come instead of an answer; ``app.simulator.faults`` describes each."""

FaultWithin = Literal[
    "sse_error",
    "tool_use_failed",
    "json_validate_failed",
    "x_groq_error",
    "end",
    "cut",
    "cut_reset",
    "stall",
    "garbage_event",
    "oversized_event",
]
"""Faults within an answer, after ``after_tokens`` tokens."""

FaultKind = FaultInstead | FaultWithin

Quirk = Literal[
    "no_usage",
    "usage_only_x_groq",
    "usage_only_top_level",
    "no_done",
    "crlf",
    "comments",
    "byte_by_byte",
    "invalid_utf8",
    "whole_tool_calls",
]
"""Shapes a client has to take although nothing is broken."""

Tier = Literal["off", "free", "developer"]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Limits(_Options):
    """Sizes of the four buckets of one key and model; ``None`` is unlimited."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    """RPM; seen in no header."""
    requests_per_day: int | None = Field(default=None, ge=1)
    """RPD; the ``x-ratelimit-*-requests`` headers."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """TPM; the ``x-ratelimit-*-tokens`` headers."""
    tokens_per_day: int | None = Field(default=None, ge=1)
    """TPD; seen in no header."""


class Fault(_Options):
    """Something that goes wrong, when, and how often."""

    kind: FaultKind
    """What happens; the kinds are described in ``app.simulator.faults``."""
    after_tokens: int = Field(default=0, ge=0)
    """Faults within an answer: tokens (reasoning included) that are sent before it."""
    skip: int = Field(default=0, ge=0)
    """Matching calls that are answered well first."""
    times: int | None = Field(default=None, ge=1)
    """Matching calls that fail, then it is over; ``None`` is for ever."""
    path: Literal["chat", "models", "transcription", "speech", "files", "batches", "any"] = "chat"
    """Which endpoint fails."""
    model: str | None = None
    """Only calls for this model fail."""
    service_tier: str | None = None
    """Only calls that ask for this tier fail, such as ``flex`` with ``capacity``."""
    status: int | None = Field(default=None, ge=400, le=599)
    """HTTP status where the kind leaves it open (``server_error``: 500 by default, ``sse_error``)."""
    form: Literal["json", "html", "text", "empty"] = "json"
    """Body of a ``server_error``."""
    retry_after: float | None = Field(default=None, ge=0)
    """Seconds: the ``retry-after`` header, rounded up, and the wait in a 429's text."""
    message: str | None = None
    """Replaces the error's text."""
    code: str | None = None
    """Replaces the error's code."""
    failed_generation: str | None = None
    """What the model is said to have written (``tool_use_failed``, ``json_validate_failed``)."""


class ToolCallOption(_Options):
    """A tool call the model has to make."""

    name: str
    arguments: dict[str, Any] | str = Field(default_factory=dict)
    """An object, or JSON text passed on as it is, broken or not."""


class Options(_Options):
    """How calls with one API key are answered."""

    tokens_per_second: float | None = Field(default=None, gt=0)
    """Pace of tokens on an absolute schedule; ``None`` sends as fast as the client reads."""
    first_token_ms: NonNegativeFloat | Annotated[list[NonNegativeFloat], Field(min_length=1)] = 0.0
    """Milliseconds from the request to its first token; a list holds one value a call, in turn."""
    headers_ms: float = Field(default=0.0, ge=0)
    """Milliseconds before the status line; part of ``first_token_ms`` where that is longer."""
    connection_ms: float = Field(default=0.0, ge=0)
    """Milliseconds added to the first request of each connection: what a slow handshake costs."""
    content: ContentShape = "answer"
    """What is written."""
    tokens: int | None = Field(default=None, ge=0)
    """Exact number of content tokens of a test shape; ``answer`` is cut or goes on."""
    text: str | list[str] | None = None
    """This text exactly; a list is sent piece by piece, each counted as one token."""
    texts: Annotated[list[str], Field(min_length=1)] | None = None
    """These texts exactly, one an answer, in turn; before ``text``."""
    heard: str | Annotated[list[str], Field(min_length=1)] | None = None
    """What every recording says; a list holds one text a recording, in turn."""
    seed: int = 0
    """Varies what the generators write; the same prompt and seed give the same answer."""
    reasoning: str | None = None
    """This reasoning exactly, on models that reason; an empty text for none."""
    reasoning_tokens: int | None = Field(default=None, ge=0)
    """Exact number of reasoning tokens, on models that reason."""
    tool_calls: list[ToolCallOption] | list[list[ToolCallOption]] | None = None
    """These calls exactly, instead of deciding by the prompt; a list of lists is a chain of rounds."""
    batch_seconds: float = Field(default=0.0, ge=0)
    """Seconds that a batch takes, its requests answered evenly over them."""
    limits: Tier | Limits = "off"
    """Rate limits; ``off`` never refuses, the tiers are Groq's."""
    faults: list[Fault] = Field(default_factory=list)
    """The first one that applies to a call happens."""
    quirks: list[Quirk] = Field(default_factory=list)
    """Odd but legitimate wire shapes."""
    models: list[str] = Field(default_factory=list)
    """Further model ids this key may use, retired ones included."""
    denied_models: list[str] = Field(default_factory=list)
    """Model ids this key has no access to: 404 ``model_not_found``."""
