"""The body of a batch line as a chat request: it goes on the wire as it came."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from core.chat import ChatRequest, Message
from core.chat.request import LONGEST_MODEL_NAME

__all__ = ("chat_request",)

_CAPS = ("max_completion_tokens", "max_tokens")
_PARTS = ("text", "image_url")
_READ = ("tools", "response_format", "temperature", "service_tier")
"""What budgets, estimates and the router look at; whatever else there is only goes on the wire."""


def chat_request(body: Mapping[str, Any], model: str | None = None) -> ChatRequest:
    """Read a body of ``POST /v1/chat/completions``.

    Only what can be answered nowhere, or would go without the limit that was meant, is refused here; the
    rest is the provider's to judge, so that one odd field fails one line.

    Args:
        body: the JSON object.
        model: asked in place of the body's own.

    Raises:
        ValueError: it has no model or no messages, a cap that is none, or asks for what a batch cannot
            give; says what.
    """
    asked = model or body.get("model")
    if not isinstance(asked, str) or not asked:
        raise ValueError("body.model is missing: name a model there, or one for all with -m")
    if len(asked) > LONGEST_MODEL_NAME:
        raise ValueError(f"body.model has more than {LONGEST_MODEL_NAME} characters: no model is named so")
    if body.get("stream"):
        raise ValueError("body.stream is set: an answer of a batch comes whole, so leave it out")
    if body.get("n") not in (None, 1):
        raise ValueError("body.n is not 1: ask for several answers with several lines")
    request = ChatRequest(
        model=asked,
        messages=_messages(body.get("messages")),
        max_completion_tokens=_output_cap(body),
        relayed={**body, "model": asked},
    )
    for name in _READ:
        request = _with_field(request, name, body.get(name))
    return request


def _output_cap(body: Mapping[str, Any]) -> int | None:
    """The most tokens an answer may have; each name for it is checked, whichever counts."""
    given = {name: cap for name in _CAPS if (cap := body.get(name)) is not None}
    for name, cap in given.items():
        if type(cap) is not int or cap < 1:
            raise ValueError(f"body.{name} is no whole number from 1 up: mend it, or leave it out")
    return next(iter(given.values()), None)


def _messages(given: object) -> list[Message]:
    if not isinstance(given, list) or not given:
        raise ValueError("body.messages is missing or empty")
    return [_message(number, message) for number, message in enumerate(given)]


def _message(number: int, given: object) -> Message:
    """What is known of one message; parts of other kinds than text and images are the provider's alone."""
    if not isinstance(given, dict):
        raise ValueError(f"body.messages[{number}] is no object")  # noqa: TRY004 - it was read
    known = {name: value for name, value in given.items() if name in Message.model_fields}
    if isinstance(parts := known.get("content"), list):
        known["content"] = [
            part for part in parts if not isinstance(part, dict) or part.get("type") in _PARTS
        ]
    try:
        return Message.model_validate(known)
    except ValidationError as error:
        deepest = max(error.errors(), key=lambda found: len(found["loc"]))  # of the ways it could be meant
        field = deepest["loc"][0] if deepest["loc"] else "content"
        raise ValueError(f"body.messages[{number}].{field}: {deepest['msg']}") from None


def _with_field(request: ChatRequest, name: str, value: object) -> ChatRequest:
    """The request with a field that can be read; one that cannot is the provider's to judge."""
    if value is None:
        return request
    try:
        checked = ChatRequest.model_validate({"model": "any", "messages": request.messages, name: value})
    except ValidationError:
        return request
    return request.model_copy(update={name: getattr(checked, name)})
