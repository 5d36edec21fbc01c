"""The messages of a request, as Groq checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.simulator.errors import invalid_request
from app.simulator.models import SimulatedModel

__all__ = ("checked_messages", "text_of")

_ROLES: dict[str, frozenset[str]] = {
    "system": frozenset({"role", "content"}),
    "developer": frozenset({"role", "content"}),
    "user": frozenset({"role", "content"}),
    "assistant": frozenset({"role", "content", "tool_calls", "reasoning", "function_call"}),
    "tool": frozenset({"role", "content", "tool_call_id"}),
}
_MAX_IMAGES = 5


def text_of(message: Mapping[str, Any]) -> str:
    """The text of a message on the wire; image parts left out."""
    content = message.get("content")
    if isinstance(content, str) or content is None:
        return content or ""
    return "\n\n".join(part["text"] for part in content if part["type"] == "text")


def checked_messages(body: Mapping[str, Any], model: SimulatedModel, *, strict: bool) -> list[dict[str, Any]]:
    """The messages of a request body; ``strict`` refuses fields that only Groq refuses.

    Raises:
        ApiError: 400.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid_request("'messages' : minimum number of items is 1")
    images = 0
    for index, message in enumerate(messages):
        where = f"messages.{index}"
        role = message.get("role") if isinstance(message, dict) else None
        if not isinstance(role, str) or role not in _ROLES:
            raise invalid_request(f"'{where}' : discriminator property 'role' has invalid value")
        allowed = _ROLES[role]
        for name in message:
            if strict and name not in allowed:
                raise invalid_request(
                    f"'{where}' : for 'role:{role}' the following must be satisfied"
                    f"[('{where}' : property '{name}' is unsupported)]"
                )
        if role == "tool" and not isinstance(message.get("tool_call_id"), str):
            raise invalid_request(
                f"'{where}' : for 'role:tool' the following must be satisfied"
                f"[('{where}.tool_call_id' : property 'tool_call_id' is missing)]"
            )
        _check_calls(message.get("tool_calls"), where)
        if message.get("content") is None and not (role == "assistant" and message.get("tool_calls")):
            raise invalid_request(
                f"'{where}' : for 'role:{role}' the following must be satisfied"
                f"[('{where}.content' : property 'content' is missing)]"
            )
        images += _content_images(message.get("content"), where, model)
    if images > _MAX_IMAGES:
        raise invalid_request(f"Too many images provided. This model supports up to {_MAX_IMAGES} images")
    return messages


def _check_calls(calls: object, where: str) -> None:
    """Check the calls of tools that a message says were made."""
    if calls is None:
        return
    if not isinstance(calls, list):
        raise invalid_request(f"'{where}.tool_calls' : value must be an array")
    for number, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            raise invalid_request(f"'{where}.tool_calls.{number}.function' : value is missing or malformed")
        if not isinstance(call.get("id"), str):
            raise invalid_request(f"'{where}.tool_calls.{number}.id' : value is missing or malformed")


def _content_images(content: object, where: str, model: SimulatedModel) -> int:
    """Check the content of one message; the number of images in it."""
    if content is None or isinstance(content, str):
        return 0
    if not isinstance(content, list):
        raise invalid_request(f"'{where}.content' : value must be a string or an array")
    images = 0
    for number, part in enumerate(content):
        place = f"{where}.content.{number}"
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            continue
        image = part.get("image_url") if kind == "image_url" else None
        if isinstance(image, dict) and isinstance(image.get("url"), str):
            images += 1
            continue
        raise invalid_request(
            f"'{place}' : one of the following must be satisfied: type 'text' or 'image_url'"
        )
    if images and not model.vision:
        raise invalid_request(f"'{where}.content' : value must be a string")
    return images
