"""An answer as an OpenAI-compatible provider would have written it, for who relays what it wrote."""

from __future__ import annotations

import time
from typing import Any

from pydantic_core import to_json

from core.chat import ChatResponse
from core.providers.answer_fields import parse_json

__all__ = ("as_body", "as_chunk", "chunk_of")


def as_body(answer: ChatResponse, model: str) -> bytes:
    """The body of an answer in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.tool_calls:
        message["tool_calls"] = _tool_calls(answer)
    return to_json(_object("chat.completion", model, message=message, finish_reason=answer.finish_reason))


def as_chunk(answer: ChatResponse, model: str) -> str:
    """The data of an event that brings it whole."""
    delta: dict[str, Any] = {"role": "assistant"}
    if answer.text:
        delta["content"] = answer.text
    if answer.tool_calls:
        delta["tool_calls"] = [{"index": index, **call} for index, call in enumerate(_tool_calls(answer))]
    chunk = _object("chat.completion.chunk", model, delta=delta, finish_reason=answer.finish_reason)
    return to_json(chunk).decode()


def chunk_of(body: bytes) -> str:
    """The data of an event that brings a body in one piece, with all the answers that are in it."""
    whole = parse_json(body)
    choices = [
        {"delta" if name == "message" else name: value for name, value in choice.items()}
        for choice in whole["choices"]
        if isinstance(choice, dict)
    ]
    return to_json({**whole, "object": "chat.completion.chunk", "choices": choices}).decode()


def _tool_calls(answer: ChatResponse) -> list[dict[str, Any]]:
    return [call.model_dump() for call in answer.tool_calls]


def _object(kind: str, model: str, **choice: Any) -> dict[str, Any]:  # noqa: ANN401 - as the API has them
    return {
        "id": f"chatcmpl-{time.time_ns():x}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, **choice}],
    }
