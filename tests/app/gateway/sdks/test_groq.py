"""Groq's own Python package against the gateway, as it is: it looks under ``/openai/v1`` by itself."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from tests.app.gateway.conftest import HELLO, MODEL, Gateway
from tests.app.gateway.sdks.conftest import TWO_CITIES, VISION, WEATHER, WITH_PICTURE, ended
from tests.simulated import Simulated


@pytest.fixture(scope="session")
def groq() -> Any:
    """The package; it takes a while to import."""
    return import_module("groq")


@pytest.fixture(scope="session")
def usual(groq: Any) -> Iterator[Any]:
    """Gives its connections to all others: each of its own would load the certificates again."""
    with groq.Groq(api_key="none") as client:
        yield client


@pytest.fixture
def client(usual: Any, served: Gateway) -> Any:
    return usual.with_options(**settings(served))


def settings(served: Gateway) -> dict[str, Any]:
    return {
        "base_url": served.root,
        "api_key": served.simulator.api_key,
        "default_headers": {"X-API-Key": served.running.key},
        "max_retries": 0,
    }


def test_chat_with_what_only_groq_tells(served: Gateway, client: Any) -> None:
    served.simulator.configure(text="4", reasoning="Two and two.")
    answer = client.chat.completions.create(
        model=MODEL, messages=HELLO, reasoning_effort="low", include_reasoning=True
    )
    assert answer.choices[0].message.content == "4"
    assert answer.choices[0].message.reasoning == "Two and two."
    assert answer.usage.completion_tokens_details.reasoning_tokens > 0
    assert answer.usage.total_time >= 0
    assert answer.x_groq.id.startswith("req_")


def test_the_gateways_key_alone(served: Gateway, usual: Any, own_account: Simulated) -> None:
    client = usual.with_options(base_url=served.root, api_key=served.running.key)
    assert client.chat.completions.create(model=MODEL, messages=HELLO).choices[0].message.content
    assert len(own_account.questions()) == 1


def test_streamed_chat(served: Gateway, client: Any) -> None:
    served.simulator.configure(text=["All", " is", " well."], reasoning="Hm.")
    chunks = list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert "".join(delta.content or "" for delta in deltas) == "All is well."
    assert "".join(delta.reasoning or "" for delta in deltas) == "Hm."
    assert chunks[0].x_groq.id.startswith("req_")
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].x_groq.usage.completion_tokens > 0


async def test_chat_without_waiting(groq: Any, served: Gateway) -> None:
    served.simulator.configure(text=["All", " is", " well."], reasoning="")
    async with groq.AsyncGroq(**settings(served)) as client:
        ask = client.chat.completions.create
        whole, stream = await asyncio.gather(
            ask(model=MODEL, messages=HELLO), ask(model=MODEL, messages=HELLO, stream=True)
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert whole.choices[0].message.content == "".join(pieces) == "All is well."


def test_tools_and_what_they_returned(served: Gateway, client: Any) -> None:
    ask = client.chat.completions.create
    made = ask(model=MODEL, messages=TWO_CITIES, tools=[WEATHER]).choices[0].message
    assert [json.loads(call.function.arguments) for call in made.tool_calls] == [
        {"city": "Oslo"},
        {"city": "Rome"},
    ]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "7 degrees"} for call in made.tool_calls]
    again = [*TWO_CITIES, made.model_dump(exclude_none=True), *results]
    assert "7 degrees" in ask(model=MODEL, messages=again, tools=[WEATHER]).choices[0].message.content


def test_streamed_tools(served: Gateway, client: Any) -> None:
    stream = client.chat.completions.create(model=MODEL, messages=TWO_CITIES, tools=[WEATHER], stream=True)
    arguments: dict[int, str] = {}
    for chunk in stream:
        for call in chunk.choices[0].delta.tool_calls or ():
            arguments[call.index] = arguments.get(call.index, "") + (call.function.arguments or "")
    assert [json.loads(text) for text in arguments.values()] == [{"city": "Oslo"}, {"city": "Rome"}]
    assert chunk.choices[0].finish_reason == "tool_calls"


def test_json_mode_and_schemas(served: Gateway, client: Any) -> None:
    messages = [{"role": "user", "content": "JSON please"}]
    loose = client.chat.completions.create(
        model=MODEL, messages=messages, response_format={"type": "json_object"}
    )
    assert json.loads(loose.choices[0].message.content)["simulated"] is True
    schema = {"name": "place", "schema": WEATHER["function"]["parameters"], "strict": True}
    strict = client.chat.completions.create(
        model=MODEL, messages=messages, response_format={"type": "json_schema", "json_schema": schema}
    )
    assert json.loads(strict.choices[0].message.content).keys() == {"city"}


def test_pictures_and_the_format_of_reasoning(served: Gateway, client: Any) -> None:
    asked = {"model": VISION, "messages": WITH_PICTURE, "reasoning_effort": "default"}
    served.simulator.configure(text="A red dot.", reasoning="Look.")
    parsed = client.chat.completions.create(**asked, reasoning_format="parsed").choices[0].message
    assert (parsed.content, parsed.reasoning) == ("A red dot.", "Look.")
    raw = client.chat.completions.create(**asked, reasoning_format="raw").choices[0].message
    assert raw.content == "<think>\nLook.\n</think>\n\nA red dot."
    hidden = client.chat.completions.create(**asked, reasoning_format="hidden").choices[0].message
    assert (hidden.content, hidden.reasoning) == ("A red dot.", None)


def test_headers_of_the_answer(served: Gateway, client: Any) -> None:
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    assert raw.headers["x-tensorwall-route"] == f"groq/{MODEL}"
    assert float(raw.headers["x-tensorwall-cost"]) > 0
    assert raw.parse().choices[0].message.content


@pytest.mark.parametrize(
    ("fault", "raised", "status"),
    [
        ({"kind": "bad_request"}, "BadRequestError", 400),
        ({"kind": "unauthorized"}, "AuthenticationError", 401),
        ({"kind": "forbidden"}, "PermissionDeniedError", 403),
        ({"kind": "model_not_found"}, "NotFoundError", 404),
        ({"kind": "too_large"}, "APIStatusError", 413),
        ({"kind": "unprocessable"}, "UnprocessableEntityError", 422),
        ({"kind": "capacity"}, "APIStatusError", 498),
        ({"kind": "rate_limited", "retry_after": 90}, "RateLimitError", 429),
        ({"kind": "server_error", "status": 503}, "InternalServerError", 502),
    ],
)
def test_errors_of_the_provider(
    groq: Any, served: Gateway, client: Any, fault: dict[str, Any], raised: str, status: int
) -> None:
    served.simulator.configure(faults=[fault])
    with pytest.raises(getattr(groq, raised)) as caught:
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert caught.value.status_code == status
    assert caught.value.body["error"]["message"]
    if status == 429:
        assert 60 <= int(caught.value.response.headers["retry-after"]) <= 90


@pytest.mark.parametrize("kind", ["sse_error", "cut"])
def test_a_stream_that_breaks_off(groq: Any, served: Gateway, client: Any, kind: str) -> None:
    fault = {"kind": kind, "after_tokens": 2}
    served.simulator.configure(text=["Once", " upon", " a", " time"], reasoning="", faults=[fault])
    pieces = []
    with (
        pytest.raises(groq.APIError),
        client.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream,
    ):
        pieces.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(pieces) == "Once upon"


def test_a_client_that_waits_no_longer_ends_the_call(groq: Any, served: Gateway, client: Any) -> None:
    served.simulator.configure(first_token_ms=60_000)
    with pytest.raises(groq.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(model=MODEL, messages=HELLO)
    assert ended(served) == "disconnected"


def test_a_closed_stream_ends_the_call(served: Gateway, client: Any) -> None:
    served.simulator.configure(tokens_per_second=50, content="markdown", tokens=4000, reasoning="")
    with client.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
        assert next(iter(stream)).choices
    assert ended(served) == "disconnected"


def test_models(groq: Any, client: Any) -> None:
    listed = {model.id: model for model in client.models.list().data}
    assert {"llama-70b", MODEL, VISION} <= listed.keys()
    assert client.models.retrieve(MODEL) == listed[MODEL]
    assert listed[MODEL].active
    with pytest.raises(groq.NotFoundError):
        client.models.retrieve("none/such")


def test_recordings(served: Gateway, client: Any, recording: bytes) -> None:
    served.simulator.configure(heard="All is well.")
    asked = {"model": "whisper-large-v3", "file": ("speech.wav", recording)}
    assert client.audio.transcriptions.create(**asked, language="en").text.strip() == "All is well."
    told = client.audio.transcriptions.create(
        **asked, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert [word["word"] for word in told.words] == ["All", "is", "well."]
    assert client.audio.translations.create(**asked).text.strip() == "All is well."


def test_speech(client: Any) -> None:
    answer = client.audio.speech.create(
        model="canopylabs/orpheus-v1-english", voice="autumn", input="All is well.", response_format="wav"
    )
    with wave.open(io.BytesIO(answer.read())) as sound:
        assert sound.getnframes() > 0


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.batches.list(),
        lambda client: client.files.list(),
        lambda client: client.files.create(file=b"{}", purpose="batch"),
        lambda client: client.embeddings.create(model=MODEL, input="Hello!"),
    ],
    ids=["batches", "files", "new-file", "embeddings"],
)
def test_what_is_not_served_is_told(groq: Any, client: Any, ask: Any) -> None:
    with pytest.raises(groq.NotFoundError, match="not an endpoint of this gateway") as caught:
        ask(client)
    assert caught.value.body["error"]["code"] == "unknown_url"
