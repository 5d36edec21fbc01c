from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat import (
    Finished,
    FunctionCall,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from core.errors import OutputInvalid, ProviderError, ServerFailed, StreamInterrupted, UnexpectedResponse
from core.providers.profiles import GROQ
from core.providers.upstream import Upstream
from core.providers.whole_answer import events_of, whole_answer

CALL = Upstream(GROQ, GROQ.base_url, model="openai/gpt-oss-20b")


def body(message: dict[str, Any], reason: str | None = "stop", **more: Any) -> bytes:
    choices = [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}]
    return json.dumps({"id": "1", "model": "m", "choices": choices, **more}).encode()


def test_an_answer_and_its_events() -> None:
    calls = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    message = {"content": "Hi", "reasoning": "hm", "tool_calls": calls}
    response = whole_answer(CALL, body(message, usage={"prompt_tokens": 3, "completion_tokens": 4}))
    assert (response.text, response.reasoning, response.finish_reason) == ("Hi", "hm", "tool_calls")
    assert response.tool_calls == [ToolCall(id="a", function=FunctionCall(name="f", arguments="{}"))]
    assert (response.provider, response.model, response.usage) == ("groq", "openai/gpt-oss-20b", Usage(3, 4))
    assert list(events_of(response)) == [
        ReasoningDelta("hm"),
        TextDelta("Hi"),
        ToolCallDelta(0, "a", "f", "{}"),
        UsageReported(Usage(3, 4)),
        Finished("tool_calls"),
    ]


@pytest.mark.parametrize("content", [None, ""])
def test_an_answer_without_text(content: str | None) -> None:
    response = whole_answer(CALL, body({"content": content}, reason=None))
    assert list(events_of(response)) == [Finished("stop")]


@pytest.mark.parametrize(
    ("sent", "kind", "words"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", UnexpectedResponse, "web page"),
        (b"", UnexpectedResponse, "nothing"),
        (b"{}", UnexpectedResponse, "no chat answer"),
        (b"[1]", UnexpectedResponse, "no chat answer"),
        (b'{"choices": []}', UnexpectedResponse, "choices"),
        (b'{"choices": [{"message"', StreamInterrupted, "broke off"),
        (b'{"error": {"message": "x", "code": "json_validate_failed"}}', OutputInvalid, "JSON"),
        (b'{"error": "out of memory"}', ServerFailed, "out of memory"),
        (b'{"choices": [{"finish_reason": "error", "error": {"message": "died"}}]}', ServerFailed, "died"),
    ],
)
def test_what_is_no_answer(sent: bytes, kind: type[ProviderError], words: str) -> None:
    with pytest.raises(kind, match=words):
        whole_answer(CALL, sent)


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_body_is_refused_with_an_error_of_ours(sent: bytes) -> None:
    with pytest.raises(ProviderError):
        whole_answer(CALL, sent)
