"""An answer in one piece of JSON, as a response or as the events it would have streamed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

from core.chat import (
    ChatResponse,
    Event,
    Finished,
    FunctionCall,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    UsageReported,
)
from core.errors import StreamInterrupted, UnexpectedResponse
from core.providers.answer_fields import arguments_of, finish_reason_of, parse_json, text_of, usage_of
from core.providers.response_errors import event_error
from core.providers.upstream import Upstream

__all__ = ("events_of", "whole_answer")

_EXCERPT = 200


def whole_answer(upstream: Upstream, body: bytes, *, request_id: str | None = None) -> ChatResponse:
    """Read the answer of a call that was not streamed.

    Raises:
        ProviderError: the server reports an error although its status was 200.
        StreamInterrupted: this is the beginning of one.
        UnexpectedResponse: this is not a chat answer.
    """
    try:
        payload = parse_json(body)
        if isinstance(payload, dict) and (error := payload.get("error")):
            raise event_error(upstream, error, request_id=request_id)
        choice = payload["choices"][0]
        if choice.get("finish_reason") == "error":
            raise event_error(upstream, choice.get("error"), request_id=request_id)
        return _response(upstream, payload, choice)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, ValueError) and _is_cut_off(body):
            raise upstream.error(
                StreamInterrupted,
                f"{upstream.label} broke off before the answer was complete.",
                hint="Ask again.",
                request_id=request_id,
            ) from error
        raise _unexpected(upstream, body, request_id) from error


def events_of(response: ChatResponse) -> Iterator[Event]:
    """The events of a stream that brings this answer."""
    if response.reasoning:
        yield ReasoningDelta(response.reasoning)
    if response.text:
        yield TextDelta(response.text)
    for index, call in enumerate(response.tool_calls):
        yield ToolCallDelta(index, call.id, call.function.name, call.function.arguments)
    if response.usage is not None:
        yield UsageReported(response.usage)
    yield Finished(response.finish_reason)


def _response(upstream: Upstream, payload: dict[str, Any], choice: dict[str, Any]) -> ChatResponse:
    message = choice["message"]
    tool_calls = [_tool_call(call, index) for index, call in enumerate(message.get("tool_calls") or ())]
    return ChatResponse(
        text=text_of(message.get("content") or message.get("refusal") or ""),
        provider=upstream.profile.name,
        model=upstream.model or str(payload.get("model")),
        finish_reason=finish_reason_of(choice.get("finish_reason"), tool_calls=bool(tool_calls)),
        usage=usage_of(payload),
        tool_calls=tool_calls,
        reasoning=text_of(message.get("reasoning") or message.get("reasoning_content") or ""),
    )


def _tool_call(call: dict[str, Any], index: int) -> ToolCall:
    function = call["function"]
    return ToolCall(
        id=call.get("id") or f"call_{index}",
        function=FunctionCall(name=function["name"], arguments=arguments_of(function.get("arguments"))),
    )


def _is_cut_off(body: bytes) -> bool:
    """Whether it is an object of JSON up to where it ends, too early."""
    try:
        return isinstance(from_json(body, allow_partial=True), dict) and not body.rstrip().endswith(b"}")
    except ValueError:
        return False


def _unexpected(upstream: Upstream, body: bytes, request_id: str | None) -> UnexpectedResponse:
    excerpt = upstream.quote(body[:_EXCERPT].decode("utf-8", "replace"))
    if body.lstrip()[:1] == b"<":
        what = "answers with a web page, not with a chat answer"
    elif not body.strip():
        what = "answers with nothing"
    else:
        what = f"answers with something that is no chat answer: {excerpt}"
    return upstream.error(
        UnexpectedResponse,
        f"{upstream.host} {what}.",
        hint="Check the base URL: it must be that of an OpenAI-compatible API, and most end in /v1.",
        status=200,
        request_id=request_id,
    )
