"""Estimates against real token counts.

``o200k_tokens.json`` holds texts cut into the tokens of ``o200k_base`` (tiktoken 0.12), where a token
that ends within a character is joined with the next.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat import ChatRequest, ImagePart, ImageUrl, JsonSchemaFormat, Message, TextPart, ToolDefinition
from core.costs.tokens import (
    estimate_prompt_tokens,
    estimate_tokens,
    prompt_tokens_at_most,
    prompt_tokens_bounds,
)

SAMPLES = json.loads((Path(__file__).parent / "o200k_tokens.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", SAMPLES)
def test_an_estimate_is_within_15_percent_of_the_true_count(name: str) -> None:
    text, true = "".join(SAMPLES[name]["chunks"]), SAMPLES[name]["tokens"]
    assert abs(estimate_tokens(text) - true) <= 0.15 * true


def test_nothing_is_no_token_and_anything_is_at_least_one() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens(" ") == 1
    assert estimate_tokens("\u200b") == 1


@given(st.text(min_size=1))
def test_no_text_is_more_tokens_than_its_characters_can_be(text: str) -> None:
    assert 1 <= estimate_tokens(text) <= 2 * len(text)


@pytest.mark.parametrize("name", SAMPLES)
def test_ten_paragraphs_are_ten_times_one(name: str) -> None:
    text = "".join(SAMPLES[name]["chunks"]).strip() + "\n\n"
    assert estimate_tokens(10 * text) == pytest.approx(10 * estimate_tokens(text), rel=0.01)


def test_a_prompt_counts_all_that_is_sent() -> None:
    plain = ChatRequest(model="m", messages=[Message(role="user", content="Hello there")])
    small = estimate_prompt_tokens(plain)
    assert 10 <= small <= 20

    longer = plain.model_copy(
        update={"messages": [Message(role="system", content="Be brief."), *plain.messages]}
    )
    assert small + 5 <= estimate_prompt_tokens(longer) <= small + 12

    picture = ImagePart(image_url=ImageUrl(url="https://example.com/a.png"))
    seen = Message(role="user", content=[TextPart(text="Hello there"), picture])
    assert estimate_prompt_tokens(plain.model_copy(update={"messages": [seen]})) == small + 2048
    low = ImagePart(image_url=ImageUrl(url="https://example.com/a.png", detail="low"))
    seen = Message(role="user", content=[TextPart(text="Hello there"), low])
    assert estimate_prompt_tokens(plain.model_copy(update={"messages": [seen]})) == small + 85


def test_tools_calls_and_schemas_count() -> None:
    plain = ChatRequest(model="m", messages=[Message(role="user", content="Weather?")])
    small = estimate_prompt_tokens(plain)
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = ToolDefinition.model_validate({"function": {"name": "weather", "parameters": schema}})
    assert estimate_prompt_tokens(plain.model_copy(update={"tools": [tool]})) > small + 20
    shaped = JsonSchemaFormat.model_validate({"json_schema": {"schema": schema}})
    assert estimate_prompt_tokens(plain.model_copy(update={"response_format": shaped})) > small + 15
    call = {"id": "1", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    called = Message.model_validate({"role": "assistant", "tool_calls": [call]})
    asked = plain.model_copy(update={"messages": [*plain.messages, called]})
    assert estimate_prompt_tokens(asked) > small + 10


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello there"}]}


def relayed(body: dict[str, Any]) -> ChatRequest:
    return ChatRequest.model_construct(model="m", messages=[], relayed=body)


def test_a_relayed_body_counts_as_the_same_request_of_our_own() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    call = {"id": "1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png", "detail": "low"}}
    body = {
        "model": "m",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Weather?"}, picture]},
            {"role": "assistant", "tool_calls": [call]},
        ],
        "tools": [{"type": "function", "function": {"name": "weather", "parameters": schema}}],
    }
    ours = estimate_prompt_tokens(ChatRequest.model_validate(body))
    assert ours <= estimate_prompt_tokens(relayed(body)) <= ours + 15


@given(st.dictionaries(st.text(), JSON))
def test_any_body_can_be_estimated(body: dict[str, Any]) -> None:
    least, most = prompt_tokens_bounds(relayed(body))
    assert least <= most == prompt_tokens_at_most(relayed(body))


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "reasoning": "x" * 4000},
        {"role": "user", "content": [{"type": "text", "text": "Hi", "note": "x" * 4000}]},
        {"role": "user", "content": [["x" * 4000]]},
        {"role": "user", "content": {"odd": "x" * 4000}},
        {"role": "x" * 4000},
        {"role": "assistant", "tool_calls": ["x" * 4000]},
        {"role": "assistant", "tool_calls": [{"function": {"name": 1, "arguments": {"odd": "x" * 4000}}}]},
        "x" * 4000,
    ],
)
def test_what_nobody_knows_may_be_prompt_by_its_length(message: object) -> None:
    asked = relayed({**BODY, "messages": [message]})
    assert prompt_tokens_at_most(asked) >= 1000
    assert prompt_tokens_bounds(asked)[0] < 100


def test_an_image_given_as_a_text_is_an_image() -> None:
    url = "data:image/png;base64," + "A" * 100_000
    seen = {"role": "user", "content": [{"type": "image_url", "image_url": url}]}
    assert 2048 <= estimate_prompt_tokens(relayed({**BODY, "messages": [seen]})) < 2100
