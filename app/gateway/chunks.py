"""Events as the chunks of OpenAI's stream, for what its provider did not stream as such.

That is an answer in one piece, and the rest of one that broke off and that another call goes on with.
"""

from __future__ import annotations

import time
from typing import Any

from pydantic_core import from_json, to_json

from core.chat import (
    Event,
    Finished,
    ReasoningDelta,
    RouteChosen,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)

__all__ = ("ChunkWriter",)

_HEAD = ("id", "object", "created", "model", "system_fingerprint")


class ChunkWriter:
    """Writes the chunks of one answer.

    Attributes:
        relaying: the provider streams chunks of its own, so that none are written here.
    """

    def __init__(self, model: str) -> None:
        self.relaying = False
        self._head: dict[str, Any] = {"object": "chat.completion.chunk", "model": model}
        self._role: dict[str, Any] = {"role": "assistant"}
        self._usage: Usage | None = None
        self._relayed = ""

    def relays(self, data: str) -> None:
        """The provider's own chunk is passed on."""
        self.relaying = True
        self._relayed = data

    def go_on(self) -> None:
        """Another call goes on with the answer: the chunks keep the name that its first ones have."""
        if self.relaying:
            began = from_json(self._relayed)
            self._head = {name: began[name] for name in _HEAD if name in began}
            self._role = {}
        self.relaying = False

    def bill(self, usage: Usage | None) -> None:
        """What the whole answer took, by all its calls."""
        self._usage = usage

    def begin(self, route: RouteChosen) -> None:
        """A call is about to be sent: another try at the same answer."""
        self.relaying = False
        self._head = {
            "id": f"chatcmpl-{route.call_id}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": route.model,
        }

    def chunk(self, event: Event, *, usage: bool) -> bytes | None:
        """The bytes that tell the client of an event; ``None`` for those that are not its business."""
        match event:
            case TextDelta(text):
                return self._delta({"content": text})
            case ReasoningDelta(text):
                return self._delta({"reasoning": text})
            case ToolCallDelta():
                return self._delta({"tool_calls": [_tool_call(event)]})
            case UsageReported(told):
                self._usage = told
            case Finished(reason):
                end = self._delta({}, reason)
                return end + self._usage_chunk() if usage and self._usage is not None else end
        return None

    def _delta(self, delta: dict[str, Any], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": {**self._role, **delta}, "finish_reason": reason}
        self._role = {}
        return _event({**self._head, "choices": [choice]})

    def _usage_chunk(self) -> bytes:
        usage = self._usage
        assert usage is not None
        counts = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        }
        return _event({**self._head, "choices": [], "usage": counts})


def _tool_call(piece: ToolCallDelta) -> dict[str, Any]:
    call: dict[str, Any] = {"index": piece.index}
    if piece.id is not None:
        call |= {"id": piece.id, "type": "function"}
    call["function"] = {"arguments": piece.arguments}
    if piece.name is not None:
        call["function"]["name"] = piece.name
    return call


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + to_json(chunk) + b"\n\n"
