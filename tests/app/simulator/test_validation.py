"""What is refused, and how it is said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.simulator.chat_client import ChatClient

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
LOOSE = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


def user(content: Any, **fields: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **fields}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"logprobs": True}, "`logprobs` is not supported"),
        ({"logit_bias": {"1": 2}}, "`logit_bias` is not supported"),
        ({"top_logprobs": 3}, "`top_logprobs` is not supported"),
        ({"n": 2}, "'n' : number must be at most 1"),
        ({"best_of": 2}, "property 'best_of' is unsupported"),
        ({"messages": []}, "'messages' : minimum number of items is 1"),
        ({"messages": [user("hi", name="ada")]}, "property 'name' is unsupported"),
        (
            {"messages": [{"role": "assistant", "reasoning_content": "x", "content": "y"}]},
            "for 'role:assistant'",
        ),
        (
            {"messages": [{"role": "robot", "content": "hi"}]},
            "discriminator property 'role' has invalid value",
        ),
        ({"messages": [user(None)]}, "property 'content' is missing"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "property 'tool_call_id' is missing"),
        ({"messages": [user([IMAGE])]}, "'messages.0.content' : value must be a string"),
        ({"model": "qwen/qwen3.8-27b", "messages": [user([IMAGE] * 6)]}, "Too many images"),
        ({"messages": [user([{"type": "audio"}])]}, "one of the following must be satisfied"),
        (
            {"messages": [user([{"type": "image_url", "image_url": "http://x/a.png"}])]},
            "'messages.0.content.0' : one of the following must be satisfied",
        ),
        (
            {"messages": [{"role": "assistant", "content": "", "tool_calls": [{"id": "c"}]}]},
            "'messages.0.tool_calls.0.function'",
        ),
        ({"stream_options": "x"}, "'stream_options' : value must be an object"),
        ({"temperature": 2.1}, "'temperature' : number must be at most 2"),
        ({"temperature": -1}, "'temperature' : number must be at least 0"),
        ({"temperature": "hot"}, "'temperature' : value must be a number"),
        ({"top_p": 1.5}, "'top_p' : number must be at most 1"),
        ({"max_completion_tokens": 0}, "must be greater than or equal to `1`"),
        ({"max_tokens": 70_000}, "must be less than or equal to `65536`"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "'stop' : maximum number of items is 4"),
        ({"tools": [TOOL] * 129}, "'tools' : maximum number of items is 128"),
        ({"tools": [{"type": "function", "function": {"name": "no spaces"}}]}, "'tools.0.function.name'"),
        ({"tool_choice": "required"}, "no tools were provided"),
        ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "'x' not found"),
        ({"tool_choice": "maybe"}, "'tool_choice' : value must be one of"),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
        ({"response_format": {"type": "yaml"}}, "'response_format.type'"),
        ({"response_format": {"type": "json_schema"}}, "property 'schema' is missing"),
        ({"response_format": SCHEMA, "stream": True}, "not supported with streaming"),
        ({"response_format": SCHEMA, "tools": [TOOL]}, "not supported with tool use"),
        ({"response_format": LOOSE}, "`additionalProperties:false` must be set on every object"),
        ({"reasoning_effort": "none"}, "`reasoning_effort` must be one of `low`, `medium` or `high`"),
        ({"include_reasoning": True, "reasoning_format": "parsed"}, "cannot specify both"),
        ({"reasoning_format": "raw", "tools": [TOOL]}, "`raw` is not supported with tools or json mode"),
        ({"reasoning_format": "loud"}, "must be one of `raw`, `parsed` or `hidden`"),
        ({"service_tier": "gold"}, "'service_tier'"),
        ({"model": "whisper-large-v3"}, "does not support chat completions"),
        ({"model": ""}, "property 'model' is missing"),
    ],
)
def test_refused_with_400(chat: ChatClient, fields: dict[str, Any], said: str) -> None:
    answer = chat.ask("hello", **fields)

    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("gemma2-9b-it", 400, "model_decommissioned"),
        ("mixtral-8x7b-32768", 400, "model_decommissioned"),
        ("llama-3.3-70b-versatile", 404, "model_not_found"),
        ("no-such-model", 404, "model_not_found"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_models_that_are_not_there(
    chat: ChatClient, model: str, status: int, code: str, stream: bool
) -> None:
    answer = chat.ask(model=model, stream=stream)

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert f"`{model}`" in answer.json()["error"]["message"]


def test_a_contract_keeps_a_retired_model(chat: ChatClient) -> None:
    chat.simulator.configure(models=["gemma2-9b-it"])

    assert chat.ask(model="gemma2-9b-it").status_code == 200


def test_a_model_that_does_not_reason_refuses_an_effort(chat: ChatClient) -> None:
    chat.simulator.configure(models=["llama-3.3-70b-versatile"])

    answer = chat.ask(model="llama-3.3-70b-versatile", reasoning_effort="low")

    assert answer.json()["error"]["message"] == "`reasoning_effort` is not supported with this model"


def test_a_prompt_that_does_not_fit_the_window(chat: ChatClient) -> None:
    answer = chat.ask("word " * 120_000, max_completion_tokens=30_000)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "context_length_exceeded")


def test_a_body_over_the_limit_is_413(chat: ChatClient) -> None:
    answer = chat.http.post(chat.url, content=b'"' + b"x" * (21 * 1024 * 1024))

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b"\xff"])
def test_a_body_that_is_no_json_object(chat: ChatClient, raw: bytes) -> None:
    answer = chat.http.post(chat.url, content=raw)

    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]["message"]


@pytest.mark.parametrize("header", ['{"txt": "x"}', "{", "[]", '{"tokens": -1}'])
def test_a_wrong_simulate_header_is_said(chat: ChatClient, header: str) -> None:
    answer = chat.http.post(chat.url, json=chat.body(), headers={"X-Simulate": header})

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("x-simulate: ")


def test_images_are_seen_by_a_vision_model(chat: ChatClient) -> None:
    content = [{"type": "text", "text": "What is on it?"}, IMAGE]

    usage = chat.ask(model="qwen/qwen3.8-27b", messages=[user(content)]).json()["usage"]

    assert usage["prompt_tokens"] > 2_048
