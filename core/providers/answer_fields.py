"""The fields that streamed and whole answers share, read leniently where servers differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from core.chat import FinishReason, Usage

__all__ = ("arguments_of", "finish_reason_of", "parse_json", "text_of", "usage_of")

_FINISH_REASONS: dict[str, FinishReason] = {
    "content_filter": "content_filter",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "stop": "stop",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
}
_MOST_TOKENS = 1_000_000_000
"""Above any call there is; a larger count is nonsense, which would spoil every sum it went into."""
_MOST_SECONDS = 86_400.0
"""The same of times."""


def parse_json(data: str | bytes) -> Any:  # noqa: ANN401 - it may be anything
    """The value of JSON text; halves of surrogate pairs in it become U+FFFD.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return from_json(data)
    except ValueError:
        pass
    try:
        value = json.dumps(json.loads(data), ensure_ascii=False)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return from_json(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def text_of(content: object) -> str:
    """Content that is text, or a list of parts of which the text counts.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(text_of(part["text"]) for part in content if isinstance(part, dict) and "text" in part)
    raise TypeError(f"content of type {type(content).__name__}")


def arguments_of(arguments: object) -> str:
    """A tool call's arguments as JSON text; some servers send them as an object."""
    if isinstance(arguments, str):
        return arguments
    return "" if arguments is None else json.dumps(arguments)


def finish_reason_of(reason: object, *, tool_calls: bool) -> FinishReason:
    """Why the answer ended; some servers say ``stop`` where tools are called."""
    known = _FINISH_REASONS.get(str(reason), "stop")
    return "tool_calls" if known == "stop" and tool_calls else known


def usage_of(payload: Mapping[str, Any]) -> Usage | None:
    """What a piece of an answer says it is billed: at the top level, or under Groq's ``x_groq``."""
    usage = payload.get("usage")
    if not isinstance(usage, dict):
        groq = payload.get("x_groq")
        usage = groq.get("usage") if isinstance(groq, dict) else None
    if not isinstance(usage, dict):
        return None
    return Usage(
        prompt_tokens=_tokens(usage, "prompt_tokens"),
        completion_tokens=_tokens(usage, "completion_tokens"),
        cached_tokens=_tokens(usage.get("prompt_tokens_details"), "cached_tokens"),
        reasoning_tokens=_tokens(usage.get("completion_tokens_details"), "reasoning_tokens"),
        queue_time=_time(usage, "queue_time"),
        prompt_time=_time(usage, "prompt_time"),
        completion_time=_time(usage, "completion_time"),
    )


def _tokens(counts: object, name: str) -> int:
    count = counts.get(name) if isinstance(counts, dict) else None
    return int(count) if isinstance(count, int | float) and 0 <= count <= _MOST_TOKENS else 0


def _time(counts: Mapping[str, Any], name: str) -> float | None:
    seconds = counts.get(name)
    return float(seconds) if isinstance(seconds, int | float) and 0 <= seconds <= _MOST_SECONDS else None
