from __future__ import annotations

import json
from typing import Any

import pytest

from core.chat import (
    ChatRequest,
    FunctionCall,
    FunctionTool,
    ImagePart,
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    Message,
    NamedToolChoice,
    TextPart,
    ToolCall,
    ToolDefinition,
)
from core.providers.base import ProviderProfile
from core.providers.profiles import GROQ, LLAMA_CPP, LM_STUDIO, OLLAMA, OPENAI, custom_profile
from core.providers.request_body import encode_body, request_body

CUSTOM = custom_profile("custom", "https://host.example/v1")
EVERYONE = [GROQ, OPENAI, OLLAMA, LM_STUDIO, LLAMA_CPP, CUSTOM]
HI = [Message(role="user", content="Hi")]


def body(profile: ProviderProfile, *, model: str = "m", stream: bool = True, **fields: Any) -> dict[str, Any]:
    request = ChatRequest(**{"model": "alias", "messages": HI, **fields})
    wire = request_body(profile, request, model=model, stream=stream)
    return json.loads(encode_body(wire))


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (GROQ, {"max_completion_tokens": 4096}),
        (OPENAI, {"stream_options": {"include_usage": True}}),
        (OLLAMA, {"stream_options": {"include_usage": True}}),
        (LM_STUDIO, {"stream_options": {"include_usage": True}}),
        (LLAMA_CPP, {"stream_options": {"include_usage": True}}),
        (CUSTOM, {"stream_options": {"include_usage": True}}),
    ],
    ids=lambda value: value.name if isinstance(value, ProviderProfile) else "",
)
def test_the_least_request(profile: ProviderProfile, expected: dict[str, Any]) -> None:
    least = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    assert body(profile) == least | expected
    expected.pop("stream_options", None)
    assert body(profile, stream=False) == least | {"stream": False} | expected


def test_every_field_there_is() -> None:
    wire = body(
        CUSTOM,
        temperature=0,
        top_p=0.5,
        stop=["END"],
        seed=7,
        max_completion_tokens=99,
        response_format=JsonObjectFormat(),
        tools=[ToolDefinition(function=FunctionTool(name="now", description="The time"))],
        tool_choice="required",
        parallel_tool_calls=False,
        reasoning_effort="low",
        service_tier="auto",
        user="u1",
        extra={"top_k": 5},
    )
    assert wire == {
        "model": "m",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "top_p": 0.5,
        "stop": ["END"],
        "seed": 7,
        "max_tokens": 99,
        "response_format": {"type": "json_object"},
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "now",
                    "description": "The time",
                    "parameters": {"type": "object", "properties": {}},
                },
            }
        ],
        "tool_choice": "required",
        "parallel_tool_calls": False,
        "reasoning_effort": "low",
        "service_tier": "auto",
        "user": "u1",
        "top_k": 5,
    }


def test_a_schema_and_a_named_function() -> None:
    schema = JsonSchema(name="point", schema={"type": "object"}, strict=True)
    wire = body(
        GROQ,
        response_format=JsonSchemaFormat(json_schema=schema),
        tool_choice=NamedToolChoice.model_validate({"function": {"name": "now"}}),
    )
    assert wire["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "point", "schema": {"type": "object"}, "strict": True},
    }
    assert wire["tool_choice"] == {"type": "function", "function": {"name": "now"}}


GROQ_REFUSES = (
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "metadata",
    "n",
    "presence_penalty",
    "store",
    "top_logprobs",
)


@pytest.mark.parametrize("name", GROQ_REFUSES)
def test_what_groq_refuses_is_not_sent(name: str) -> None:
    assert name not in body(GROQ, extra={name: 1})
    assert (name in body(CUSTOM, extra={name: 1})) == (name != "n")


@pytest.mark.parametrize("profile", EVERYONE, ids=lambda profile: profile.name)
def test_extra_cannot_change_what_the_call_is(profile: ProviderProfile) -> None:
    wire = body(profile, extra={"stream": False, "model": "other", "messages": [], "n": 3})
    assert (wire["stream"], wire["model"], len(wire["messages"])) == (True, "m", 1)
    assert "n" not in wire


@pytest.mark.parametrize(
    ("profile", "field"),
    [(GROQ, "max_completion_tokens"), (OPENAI, "max_completion_tokens"), (OLLAMA, "max_tokens")],
)
def test_the_output_cap_has_each_providers_name(profile: ProviderProfile, field: str) -> None:
    other = "max_tokens" if field == "max_completion_tokens" else "max_completion_tokens"
    for wire in (
        body(profile, max_completion_tokens=50),
        body(profile, extra={"max_tokens": 50}),
        body(profile, max_completion_tokens=50, extra={"max_tokens": 70, "max_completion_tokens": 70}),
    ):
        assert wire[field] == 50
        assert other not in wire


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("openai/gpt-oss-20b", None, 4096),
        ("openai/gpt-oss-20b", 100_000, 65_536),
        ("qwen/qwen3.8-27b", 20_000, 16_384),
        ("meta-llama/llama-prompt-guard-2-22m", None, 512),
        ("some/new-model", 100_000, 100_000),
    ],
)
def test_groq_always_gets_a_cap_that_the_model_takes(model: str, asked: int | None, sent: int) -> None:
    assert body(GROQ, model=model, max_completion_tokens=asked)["max_completion_tokens"] == sent


@pytest.mark.parametrize(
    ("profile", "model", "asked", "sent"),
    [
        (GROQ, "openai/gpt-oss-120b", "none", "low"),
        (GROQ, "openai/gpt-oss-120b", "minimal", "low"),
        (GROQ, "openai/gpt-oss-20b", "high", "high"),
        (GROQ, "qwen/qwen3.8-27b", "none", "none"),
        (GROQ, "qwen/qwen3.8-27b", "minimal", "low"),
        (GROQ, "llama-3.3-70b-versatile", "low", None),
        (GROQ, "some/new-model", "none", "none"),
        (OPENAI, "gpt-5-nano", "none", "minimal"),
        (OPENAI, "gpt-5.4-mini", "none", "none"),
        (OPENAI, "gpt-5.4-mini", "minimal", "low"),
        (OPENAI, "o4-mini", "minimal", "low"),
        (OPENAI, "gpt-4.1-nano", "high", None),
        (OLLAMA, "anything", "high", "high"),
    ],
)
def test_a_reasoning_effort_the_model_takes(
    profile: ProviderProfile, model: str, asked: str, sent: str | None
) -> None:
    assert body(profile, model=model, reasoning_effort=asked).get("reasoning_effort") == sent


def test_groqs_two_reasoning_switches_exclude_each_other() -> None:
    qwen, oss = "qwen/qwen3.8-27b", "openai/gpt-oss-20b"
    assert body(GROQ, model=qwen)["reasoning_format"] == "parsed"
    assert body(GROQ, model=qwen, extra={"reasoning_format": "hidden"})["reasoning_format"] == "hidden"
    hidden = body(GROQ, model=qwen, extra={"include_reasoning": False})
    assert hidden["include_reasoning"] is False
    assert "reasoning_format" not in hidden
    assert "reasoning_format" not in body(GROQ, model=oss)
    both = body(GROQ, model=oss, extra={"include_reasoning": True, "reasoning_format": "parsed"})
    assert ("include_reasoning" in both) != ("reasoning_format" in both)


def test_openais_reasoning_models_take_no_sampling_fields() -> None:
    assert "temperature" not in body(OPENAI, model="gpt-5-mini", temperature=0.2, top_p=0.9)
    assert body(OPENAI, model="gpt-4.1", temperature=0.2)["temperature"] == 0.2


@pytest.mark.parametrize(
    ("profile", "tier", "sent"),
    [
        (GROQ, "flex", "flex"),
        (OPENAI, "on_demand", "default"),
        (OPENAI, "performance", "priority"),
        (OLLAMA, "flex", None),
    ],
)
def test_service_tiers_by_each_providers_name(profile: ProviderProfile, tier: str, sent: str | None) -> None:
    assert body(profile, service_tier=tier).get("service_tier") == sent


def test_a_users_stream_options_are_kept_and_only_streams_have_them() -> None:
    options = {"stream_options": {"include_usage": False}}
    assert body(OPENAI, extra=options)["stream_options"] == {"include_usage": False}
    assert "stream_options" not in body(OPENAI, stream=False, extra=options)


CONVERSATION = [
    Message(role="developer", content="Be brief"),
    Message(role="user", name="ann", content=[TextPart(text="one"), TextPart(text="two")]),
    Message(
        role="assistant",
        content=None,
        reasoning="I should look",
        tool_calls=[ToolCall(id="call_1", function=FunctionCall(name="now", arguments='{"zone":"UTC"}'))],
    ),
    Message(role="tool", tool_call_id="call_1", name="now", content="12:00"),
    Message(role="assistant", content="Noon", reasoning="clear"),
]


def test_a_conversation_on_groq() -> None:
    assert body(GROQ, messages=CONVERSATION)["messages"] == [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": "one\n\ntwo"},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "now", "arguments": '{"zone":"UTC"}'},
                }
            ],
        },
        {"role": "tool", "content": "12:00", "tool_call_id": "call_1"},
        {"role": "assistant", "content": "Noon"},
    ]


@pytest.mark.parametrize("profile", EVERYONE, ids=lambda profile: profile.name)
def test_reasoning_never_goes_back(profile: ProviderProfile) -> None:
    wire = body(profile, messages=CONVERSATION)
    assert "reasoning" not in json.dumps(wire["messages"])
    assert "I should look" not in json.dumps(wire)
    assert wire["messages"][0]["role"] == ("developer" if profile is OPENAI else "system")
    assert ("name" in wire["messages"][1]) == (profile is not GROQ)


def test_an_image() -> None:
    image = ImagePart.from_bytes(b"\x89PNG", "image/png")
    messages = [Message(role="user", content=[TextPart(text="What is this?"), image])]
    assert body(GROQ, messages=messages)["messages"][0]["content"] == [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
    ]


def test_text_that_is_no_unicode_is_sent_as_far_as_it_goes() -> None:
    wire = request_body(
        GROQ,
        ChatRequest(model="m", messages=[Message(role="user", content="naïve 漢 \udcff end")]),
        model="m",
        stream=True,
    )
    assert json.loads(encode_body(wire))["messages"][0]["content"] == "naïve 漢 ? end"
