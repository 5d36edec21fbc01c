"""What the body of a client that asked through us gives a model to read. Pure.

What is known is read from where it stands. Whatever else there is may be prompt as well, as fields of one
provider alone are, so that its length counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from core.chat import Role

__all__ = ("RelayedPrompt", "read_prompt")

_ROLES = get_args(Role)
_OPTIONS = frozenset(
    {
        "logit_bias",
        "metadata",
        "model",
        "prompt_cache_key",
        "reasoning_effort",
        "reasoning_format",
        "safety_identifier",
        "service_tier",
        "stop",
        "stream_options",
        "tool_choice",
        "user",
    }
)
"""Fields that no model is given to read."""


@dataclass(slots=True)
class RelayedPrompt:
    """What there is to read.

    Attributes:
        messages: how many.
        texts: what the messages say, and what tools were called with.
        details: of the pictures, as ``detail`` says, one for each.
        tools: definitions of tools, and calls of them, how many.
        definitions: tools and schemas, as JSON.
        unread: characters of all else.
    """

    messages: int = 0
    texts: list[str] = field(default_factory=list)
    details: list[object] = field(default_factory=list)
    tools: int = 0
    definitions: list[str] = field(default_factory=list)
    unread: int = 0


def read_prompt(body: Mapping[str, Any]) -> RelayedPrompt:
    """Read a body of ``POST /chat/completions``; nothing in it has to be as it should."""
    prompt = RelayedPrompt()
    for name, value in body.items():
        if name == "messages" and isinstance(value, list):
            prompt.messages = len(value)
            for message in value:
                _read_message(prompt, message)
        elif name == "tools" and isinstance(value, list):
            prompt.tools += len(value)
            prompt.definitions += map(_json, value)
        elif name == "response_format" and isinstance(value, dict):
            if schema := value.get("json_schema"):
                prompt.definitions.append(_json(schema))
        elif name not in _OPTIONS:
            prompt.unread += _length(value)
    return prompt


def _read_message(prompt: RelayedPrompt, message: object) -> None:
    if not isinstance(message, dict):
        prompt.unread += _length(message)
        return
    for name, value in message.items():
        if name == "content" and isinstance(value, str):
            prompt.texts.append(value)
        elif name == "content" and isinstance(value, list):
            for part in value:
                _read_part(prompt, part)
        elif name == "tool_calls" and isinstance(value, list):
            for call in value:
                _read_call(prompt, call)
        elif name != "role" or value not in _ROLES:
            prompt.unread += _length(value)


def _read_part(prompt: RelayedPrompt, part: object) -> None:
    if not isinstance(part, dict):
        prompt.unread += _length(part)
        return
    if isinstance(text := part.get("text"), str):
        prompt.texts.append(text)
        prompt.unread += _others(part, ("type", "text"))
    elif isinstance(image := part.get("image_url"), str):
        prompt.details.append(None)
        prompt.unread += _others(part, ("type", "image_url"))
    elif isinstance(image, dict) and isinstance(image.get("url"), str):
        prompt.details.append(image.get("detail"))
        prompt.unread += _others(part, ("type", "image_url")) + _others(image, ("url", "detail"))
    else:
        prompt.unread += _length(part)


def _read_call(prompt: RelayedPrompt, call: object) -> None:
    prompt.tools += 1
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        prompt.unread += _length(call)
        return
    for name in ("name", "arguments"):
        given = function.get(name)
        if isinstance(given, str):
            prompt.texts.append(given)
        else:
            prompt.unread += _length(given)
    prompt.unread += _others(call, ("type", "function")) + _others(function, ("name", "arguments"))


def _others(known: Mapping[str, Any], names: Iterable[str]) -> int:
    """Characters of the fields that have other names."""
    return sum(_length(value) for name, value in known.items() if name not in names)


def _length(value: object) -> int:
    """Characters of a text, or of JSON; none of a number or a switch."""
    if isinstance(value, str):
        return len(value)
    return len(_json(value)) if isinstance(value, dict | list) else 0


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
