"""OpenAI's own client chats, whole and streamed, and reads models and headers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.app.gateway.conftest import HELLO, MODEL, Gateway
from tests.app.gateway.sdks.conftest import (
    PICTURE,
    VISION,
    WITH_PICTURE,
)
from tests.app.gateway.sdks.openai.conftest import asynchronous
from tests.simulated import Simulated


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/openai/v1"])
def test_chat(served: Gateway, connect: Callable[..., Any], path: str) -> None:
    served.simulator.configure(text="All is well.", reasoning="")
    answer = connect(path).chat.completions.create(model=MODEL, messages=HELLO, temperature=0)
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content) == ("assistant", "All is well.")
    assert choice.finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert answer._request_id
    assert answer.x_groq["id"]


def test_the_gateways_key_alone(served: Gateway, connect: Callable[..., Any], own_account: Simulated) -> None:
    client = connect(api_key=served.running.key, default_headers={})
    assert client.chat.completions.create(model=MODEL, messages=HELLO).choices[0].message.content
    (question,) = own_account.questions()
    assert question["headers"]["authorization"] == "Bearer gsk_own"


@pytest.mark.parametrize("usage", [False, True])
def test_streamed_chat(served: Gateway, client: Any, usage: bool) -> None:
    served.simulator.configure(text=["All", " is", " well."], reasoning="")
    wanted = {"stream_options": {"include_usage": True}} if usage else {}
    with client.chat.completions.create(model=MODEL, messages=HELLO, stream=True, **wanted) as stream:
        chunks = list(stream)
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "All is well."
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    if usage:
        assert chunks[-1].usage.completion_tokens > 0


async def test_chat_without_waiting(openai: Any, served: Gateway) -> None:
    served.simulator.configure(text=["All", " is", " well."], reasoning="")
    async with asynchronous(openai, served) as client:
        ask = client.chat.completions.create
        whole, stream = await asyncio.gather(
            ask(model=MODEL, messages=HELLO), ask(model=MODEL, messages=HELLO, stream=True)
        )
        pieces = [choice.delta.content or "" async for chunk in stream for choice in chunk.choices]
    assert whole.choices[0].message.content == "".join(pieces) == "All is well."


def test_the_helper_for_streams_puts_an_answer_together(served: Gateway, client: Any) -> None:
    served.simulator.configure(text=["All", " is", " well."], reasoning="")
    wanted = {"include_usage": True}
    with client.chat.completions.stream(model=MODEL, messages=HELLO, stream_options=wanted) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        answer = stream.get_final_completion()
    assert [piece for piece in pieces if piece] == ["All", " is", " well."]
    assert answer.choices[0].message.content == "All is well."
    assert answer.usage.completion_tokens > 0


def test_pictures(served: Gateway, client: Any) -> None:
    answer = client.chat.completions.create(model=VISION, messages=WITH_PICTURE)
    assert answer.choices[0].message.content
    (question,) = served.simulator.questions()
    assert question["body"]["messages"][0]["content"][1]["image_url"]["url"] == PICTURE


def test_reasoning_and_fields_of_groqs_own(served: Gateway, client: Any) -> None:
    served.simulator.configure(text="4", reasoning="Two and two.")
    asked = {
        "model": MODEL,
        "messages": HELLO,
        "reasoning_effort": "low",
        "extra_body": {"include_reasoning": True},
    }
    whole = client.chat.completions.create(**asked)
    assert whole.choices[0].message.reasoning == "Two and two."
    assert whole.usage.completion_tokens_details.reasoning_tokens > 0
    with client.chat.completions.create(**asked, stream=True) as stream:
        deltas = [choice.delta for chunk in stream for choice in chunk.choices]
    assert "".join(getattr(delta, "reasoning", None) or "" for delta in deltas) == "Two and two."
    for question in served.simulator.questions():
        assert question["body"]["reasoning_effort"] == "low"
        assert question["body"]["include_reasoning"] is True


def test_headers_of_the_answer(served: Gateway, client: Any) -> None:
    asked = {
        "model": MODEL,
        "messages": HELLO,
        "extra_headers": {"X-Request-ID": "from-openai", "X-Feature": "sdk"},
    }
    raw = client.chat.completions.with_raw_response.create(**asked)
    assert raw.parse().choices[0].message.content
    assert raw.headers["x-tensorwall-route"] == f"groq/{MODEL}"
    assert float(raw.headers["x-tensorwall-cost"]) > 0
    assert raw.headers["x-request-id"] == raw.parse()._request_id == "from-openai"
    (row,) = served.rows("from-openai")
    assert row["feature"] == "sdk"
    with client.chat.completions.with_streaming_response.create(**asked, stream=True) as streamed:
        assert streamed.headers["x-tensorwall-attempts"] == "1"
        assert [line for line in streamed.iter_lines() if line][-1] == "data: [DONE]"


@pytest.mark.parametrize("path", ["/v1", "/openai/v1"])
def test_models(openai: Any, connect: Callable[..., Any], path: str) -> None:
    models = connect(path).models
    listed = {model.id: model for model in models.list()}
    assert {"llama-70b", MODEL, VISION} <= listed.keys()
    assert models.retrieve(MODEL) == listed[MODEL]
    assert listed[MODEL].owned_by == "groq"
    assert listed[MODEL].context_window == 131_072
    with pytest.raises(openai.NotFoundError) as caught:
        models.retrieve("none/such")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.batches.list(),
        lambda client: client.batches.create(
            completion_window="24h", endpoint="/v1/chat/completions", input_file_id="file-1"
        ),
        lambda client: client.files.create(file=b"{}", purpose="batch"),
        lambda client: client.files.content("file-1"),
        lambda client: client.embeddings.create(model=MODEL, input="Hello!"),
        lambda client: client.responses.create(model=MODEL, input="Hello!"),
        lambda client: client.completions.create(model=MODEL, prompt="Hello!"),
        lambda client: client.images.generate(prompt="A red dot."),
        lambda client: client.moderations.create(input="Hello!"),
    ],
    ids=[
        "batches",
        "new-batch",
        "new-file",
        "file",
        "embeddings",
        "responses",
        "completions",
        "images",
        "moderations",
    ],
)
def test_what_is_not_served_is_told(openai: Any, served: Gateway, client: Any, ask: Any) -> None:
    with pytest.raises(openai.NotFoundError, match="not an endpoint of this gateway") as caught:
        ask(client)
    assert (caught.value.code, caught.value.type) == ("unknown_url", "invalid_request_error")
