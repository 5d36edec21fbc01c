"""The bytes of an answer: events of a stream, and whole answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.simulator.generation import Generation
from app.simulator.options import Quirk
from app.simulator.validation import ChatCall

__all__ = ("AnswerWriter", "UsageReport", "dump")

DONE = b"data: [DONE]\n\n"


dump = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
"""JSON as compact as Groq writes it."""


@dataclass(frozen=True, slots=True)
class UsageReport:
    """The bill of a call; times in seconds."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    queue_time: float
    prompt_time: float
    completion_time: float

    def as_json(self, *, groq: bool) -> dict[str, Any]:
        """Groq's object, or OpenAI's without the times."""
        usage: dict[str, Any] = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
        }
        if groq:
            usage |= {
                "queue_time": self.queue_time,
                "prompt_time": self.prompt_time,
                "completion_time": self.completion_time,
                "total_time": self.prompt_time + self.completion_time,
            }
        if self.cached_tokens:
            usage["prompt_tokens_details"] = {"cached_tokens": self.cached_tokens}
        if self.reasoning_tokens:
            usage["completion_tokens_details"] = {"reasoning_tokens": self.reasoning_tokens}
        return usage


class AnswerWriter:
    """Encodes one answer.

    Args:
        call: the request.
        generation: what is written.
        groq: Groq's dialect (``x_groq``, times, usage unasked) or plain OpenAI's.
        request_id: as in ``x_groq.id``.
        created: Unix seconds.
        seed: as in ``x_groq.seed``.
        quirks: odd shapes asked for.
    """

    def __init__(
        self,
        call: ChatCall,
        generation: Generation,
        *,
        groq: bool,
        request_id: str,
        created: int,
        seed: int,
        quirks: Sequence[Quirk],
    ) -> None:
        self._call = call
        self._generation = generation
        self._groq = groq
        self._request_id = request_id
        self._seed = seed
        self._quirks = quirks
        self._common: dict[str, Any] = {
            "id": f"chatcmpl-{request_id.removeprefix('req_')}",
            "created": created,
            "model": call.model.id,
            "system_fingerprint": "fp_simulated",
        }
        self._before, self._after = dump(self._chunk({"@": 0})).split('{"@":0}')

    def first(self) -> bytes:
        """The event before any token: role, empty content, the request's id."""
        extra = {"x_groq": {"id": self._request_id, "seed": self._seed}} if self._groq else {}
        return _event(dump(self._chunk({"role": "assistant", "content": ""}) | extra))

    def deltas(self) -> list[dict[str, Any] | str | None]:
        """One entry a token, in order: a text, another delta, or ``None`` for a token that is not shown."""
        generation, call = self._generation, self._call
        deltas: list[dict[str, Any] | str | None] = []
        if call.reasoning_inline and generation.reasoning:
            deltas += ["<think>\n" + generation.reasoning[0], *generation.reasoning[1:]]
            deltas[-1] = f"{deltas[-1]}\n</think>\n\n"
        elif call.reasoning_shown:
            key = {"channel": "analysis"} if self._groq and "gpt-oss" in call.model.id else {}
            deltas += [{"reasoning": piece, **key} for piece in generation.reasoning]
        else:
            deltas += [None] * len(generation.reasoning)
        deltas += generation.content
        for index, (made, pieces) in enumerate(generation.tool_calls):
            deltas += self._tool_deltas(index, made.wire(), pieces)
        return deltas

    def _tool_deltas(
        self, index: int, wire: dict[str, Any], pieces: list[str]
    ) -> list[dict[str, Any] | str | None]:
        if "whole_tool_calls" in self._quirks:
            return [*[None] * len(pieces), {"tool_calls": [{**wire, "index": index}]}]
        head = {**wire, "function": {"name": wire["function"]["name"], "arguments": ""}, "index": index}
        return [
            {"tool_calls": [head]},
            *({"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces),
        ]

    def delta(self, delta: dict[str, Any] | str) -> bytes:
        """The event of one token."""
        text = f'{{"content":{dump(delta)}}}' if isinstance(delta, str) else dump(delta)
        return f"data: {self._before}{text}{self._after}\n\n".encode()

    def last(self, usage: UsageReport) -> bytes:
        """The events after the last token: finish reason, usage, end mark."""
        chunk = self._chunk({}, self._generation.finish_reason)
        quirks = self._quirks
        if not self._groq:
            events = _event(dump(chunk))
            if self._call.include_usage and "no_usage" not in quirks:
                events += _event(dump({**chunk, "choices": [], "usage": usage.as_json(groq=False)}))
        else:
            billed = usage.as_json(groq=True)
            if "no_usage" in quirks or "usage_only_top_level" in quirks:
                chunk["x_groq"] = {"id": self._request_id}
            else:
                chunk["x_groq"] = {"id": self._request_id, "usage": billed}
            if "no_usage" not in quirks and "usage_only_x_groq" not in quirks:
                chunk["usage"] = billed
            events = _event(dump(chunk))
        return events if "no_done" in quirks else events + DONE

    def error_field(self, message: str) -> bytes:
        """The event that reports an error in ``x_groq.error``."""
        return _event(dump(self._chunk({}) | {"x_groq": {"id": self._request_id, "error": message}}))

    def whole(self, usage: UsageReport) -> dict[str, Any]:
        """The answer of a call that does not stream."""
        generation, call = self._generation, self._call
        content = "".join(generation.content)
        reasoning = "".join(generation.reasoning)
        if call.reasoning_inline and reasoning:
            content = f"<think>\n{reasoning}\n</think>\n\n{content}"
        message: dict[str, Any] = {"role": "assistant", "content": content}
        if call.reasoning_shown and reasoning:
            message["reasoning"] = reasoning
        if generation.tool_calls:
            del message["content"]
            message["tool_calls"] = [made.wire() for made, _ in generation.tool_calls]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": generation.finish_reason}
        answer = {**self._common, "object": "chat.completion", "choices": [choice]}
        if "no_usage" not in self._quirks:
            answer["usage"] = usage.as_json(groq=self._groq)
        if self._groq:
            answer |= {
                "usage_breakdown": None,
                "x_groq": {"id": self._request_id, "seed": self._seed},
                "service_tier": call.service_tier,
            }
        return answer

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._common, "object": "chat.completion.chunk", "choices": [choice]}


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()
