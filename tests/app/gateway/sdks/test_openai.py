"""OpenAI's own Python package against the gateway, as it is."""

from __future__ import annotations

import asyncio
import io
import json
import warnings
import wave
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from pydantic import BaseModel

from tests.app.gateway.conftest import HELLO, MODEL, Gateway
from tests.app.gateway.sdks.conftest import (
    PICTURE,
    TWO_CITIES,
    VISION,
    WEATHER,
    WITH_PICTURE,
    ended,
)
from tests.simulated import Simulated


class City(BaseModel):
    name: str
    people: int
    twins: list[str]


@pytest.fixture(scope="session")
def openai() -> Any:
    """The package; it takes most of a second to import."""
    return import_module("openai")


@pytest.fixture(scope="session")
def usual(openai: Any) -> Iterator[Any]:
    """Gives its connections to all others: each of its own would load the certificates again."""
    with openai.OpenAI(api_key="none") as client:
        yield client


@pytest.fixture
def connect(usual: Any, served: Gateway) -> Callable[..., Any]:
    """Makes clients with both keys, which ask once unless they are told otherwise."""

    def client(path: str = "/v1", **options: Any) -> Any:
        given = {
            "base_url": served.root + path,
            "api_key": served.simulator.api_key,
            "default_headers": {"X-API-Key": served.running.key},
            "max_retries": 0,
            **options,
        }
        return usual.with_options(**given)

    return client


@pytest.fixture
def client(connect: Callable[..., Any]) -> Any:
    return connect()


def asynchronous(openai: Any, served: Gateway) -> Any:
    return openai.AsyncOpenAI(
        base_url=f"{served.root}/v1",
        api_key=served.simulator.api_key,
        default_headers={"X-API-Key": served.running.key},
        max_retries=0,
    )


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


def test_parallel_tools_and_what_they_returned(served: Gateway, client: Any) -> None:
    ask = client.chat.completions.create
    made = ask(model=MODEL, messages=TWO_CITIES, tools=[WEATHER], parallel_tool_calls=True).choices[0]
    assert made.finish_reason == "tool_calls"
    calls = made.message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [{"city": "Oslo"}, {"city": "Rome"}]
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": f"{number} degrees"}
        for number, call in enumerate(calls)
    ]
    answer = ask(model=MODEL, messages=[*TWO_CITIES, made.message, *results], tools=[WEATHER]).choices[0]
    assert answer.finish_reason == "stop"
    assert "0 degrees" in answer.message.content
    assert "1 degrees" in answer.message.content


def test_streamed_tools(served: Gateway, client: Any) -> None:
    with client.chat.completions.stream(model=MODEL, messages=TWO_CITIES, tools=[WEATHER]) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        answer = stream.get_final_completion().choices[0]
    assert [(event.name, json.loads(event.arguments)) for event in done] == [
        ("get_weather", {"city": "Oslo"}),
        ("get_weather", {"city": "Rome"}),
    ]
    assert [call.function.name for call in answer.message.tool_calls] == ["get_weather"] * 2
    assert answer.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    "choice", ["none", "required", {"type": "function", "function": {"name": "get_weather"}}]
)
def test_a_choice_of_tools(served: Gateway, client: Any, choice: Any) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=HELLO, tools=[WEATHER], tool_choice=choice)
    assert bool(answer.choices[0].message.tool_calls) is (choice != "none")


def test_tools_of_pydantic_models(openai: Any, served: Gateway, client: Any) -> None:
    answer = client.chat.completions.parse(
        model=MODEL,
        messages=[{"role": "user", "content": "Note the city of Oslo"}],
        tools=[openai.pydantic_function_tool(City)],
    )
    (call,) = answer.choices[0].message.tool_calls
    assert isinstance(call.function.parsed_arguments, City)


def test_json_mode(served: Gateway, client: Any) -> None:
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "JSON please"}],
        response_format={"type": "json_object"},
    )
    assert json.loads(answer.choices[0].message.content)["simulated"] is True


def test_schemas_of_pydantic_models(served: Gateway, client: Any) -> None:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "Oslo"}], "response_format": City}
    whole = client.chat.completions.parse(**asked)
    assert isinstance(whole.choices[0].message.parsed, City)
    with client.chat.completions.stream(**asked) as stream:
        streamed = stream.get_final_completion()
    assert isinstance(streamed.choices[0].message.parsed, City)


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


@pytest.mark.parametrize(
    ("fault", "raised", "status"),
    [
        ({"kind": "bad_request"}, "BadRequestError", 400),
        ({"kind": "context_length"}, "BadRequestError", 400),
        ({"kind": "unauthorized"}, "AuthenticationError", 401),
        ({"kind": "forbidden"}, "PermissionDeniedError", 403),
        ({"kind": "model_not_found"}, "NotFoundError", 404),
        ({"kind": "too_large"}, "APIStatusError", 413),
        ({"kind": "unprocessable"}, "UnprocessableEntityError", 422),
        ({"kind": "rate_limited", "retry_after": 90}, "RateLimitError", 429),
        ({"kind": "server_error", "status": 503, "form": "html"}, "InternalServerError", 502),
        ({"kind": "reset"}, "InternalServerError", 502),
    ],
)
def test_errors_of_the_provider(
    openai: Any,
    served: Gateway,
    client: Any,
    fault: dict[str, Any],
    raised: str,
    status: int,
) -> None:
    served.simulator.configure(faults=[fault])
    with pytest.raises(getattr(openai, raised)) as caught:
        client.chat.completions.create(model=MODEL, messages=HELLO, stream=status < 500)
    error = caught.value
    assert error.status_code == status
    assert error.body["message"]
    assert error.request_id
    assert served.simulator.api_key not in str(error)
    if status == 429:
        assert 60 <= int(error.response.headers["retry-after"]) <= 90


def test_errors_of_the_gateways_own(openai: Any, served: Gateway, connect: Callable[..., Any]) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        connect(api_key="gw_" + "x" * 43, default_headers={}).chat.completions.create(
            model=MODEL, messages=HELLO
        )
    assert caught.value.code == "invalid_api_key"
    with pytest.raises(openai.BadRequestError) as caught:
        connect().chat.completions.create(model=MODEL, messages=[])
    assert (caught.value.param, caught.value.type) == ("messages", "invalid_request_error")
    large = [{"role": "user", "content": "x" * (33 * 1024 * 1024)}]
    with pytest.raises(openai.APIStatusError) as caught:
        connect().chat.completions.create(model=MODEL, messages=large)
    assert (caught.value.status_code, caught.value.code) == (413, "request_too_large")
    assert served.simulator.questions() == []


@pytest.mark.parametrize("kind", ["sse_error", "cut", "end"])
def test_a_stream_that_breaks_off(openai: Any, served: Gateway, client: Any, kind: str) -> None:
    fault = {"kind": kind, "after_tokens": 2}
    served.simulator.configure(text=["Once", " upon", " a", " time"], reasoning="", faults=[fault])
    pieces = []
    with (
        pytest.raises(openai.APIError) as caught,
        client.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream,
    ):
        pieces.extend(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
    assert "".join(pieces) == "Once upon"
    assert caught.value.message


def test_a_client_that_retries_gets_its_answer(
    openai: Any, served: Gateway, connect: Callable[..., Any]
) -> None:
    """The gateway has tried three times by itself when the client tries again."""
    served.simulator.configure(faults=[{"kind": "server_error", "status": 503, "times": 3}])
    counts: list[str] = []
    hooks = {"request": [lambda request: counts.append(request.headers["x-stainless-retry-count"])]}
    with openai.DefaultHttpxClient(event_hooks=hooks) as transport:
        client = connect(max_retries=1, http_client=transport)
        assert client.chat.completions.create(model=MODEL, messages=HELLO).choices[0].message.content
    assert counts == ["0", "1"]
    assert len(served.simulator.questions()) == 4


def test_a_client_does_not_retry_in_vain(openai: Any, served: Gateway, connect: Callable[..., Any]) -> None:
    counts: list[str] = []
    hooks = {"request": [lambda request: counts.append(request.headers["x-stainless-retry-count"])]}
    with openai.DefaultHttpxClient(event_hooks=hooks) as transport:
        # Without a key of the client's own the gateway's is used, which the simulator does not know here.
        client = connect(max_retries=2, http_client=transport, api_key=served.running.key, default_headers={})
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model=MODEL, messages=HELLO)
    assert counts == ["0"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_waits_no_longer_ends_the_call(
    openai: Any, served: Gateway, client: Any, stream: bool
) -> None:
    served.simulator.configure(first_token_ms=60_000)
    named = {"X-Request-ID": f"openai-timeout-{stream}"}
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.3).chat.completions.create(
            model=MODEL, messages=HELLO, stream=stream, extra_headers=named
        )
    assert ended(served) == "disconnected"
    (row,) = served.rows(named["X-Request-ID"])
    assert row["outcome"] == "cancelled"


def test_a_closed_stream_ends_the_call(served: Gateway, client: Any) -> None:
    served.simulator.configure(tokens_per_second=50, content="markdown", tokens=4000, reasoning="")
    stream = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
    assert next(iter(stream)).choices
    stream.close()
    assert ended(served) == "disconnected"


async def test_a_cancelled_task_ends_the_call(openai: Any, served: Gateway) -> None:
    served.simulator.configure(tokens_per_second=50, content="markdown", tokens=4000, reasoning="")
    begun = asyncio.Event()

    async def listen() -> None:
        async with asynchronous(openai, served) as client:
            async for _ in await client.chat.completions.create(model=MODEL, messages=HELLO, stream=True):
                begun.set()

    listening = asyncio.create_task(listen())
    await begun.wait()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening
    assert ended(served) == "disconnected"


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


def test_recordings(served: Gateway, client: Any, recording: bytes) -> None:
    served.simulator.configure(heard="All is well.")
    hear = client.audio.transcriptions.create
    asked = {"model": "whisper-large-v3", "file": ("speech.wav", recording)}
    assert hear(**asked).text.strip() == "All is well."
    assert hear(**asked, response_format="text").strip() == "All is well."
    assert "00:00:00,000 -->" in hear(**asked, response_format="srt")
    told = hear(
        **asked, response_format="verbose_json", language="en", timestamp_granularities=["word", "segment"]
    )
    assert (told.language, told.duration, len(told.segments)) == ("en", 1.0, 1)
    assert [word.word for word in told.words] == ["All", "is", "well."]
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # it is, at OpenAI
        translated = client.audio.translations.create(**asked)
    assert translated.text.strip() == "All is well."


def test_speech(served: Gateway, client: Any, tmp_path: Any) -> None:
    asked = {
        "model": "canopylabs/orpheus-v1-english",
        "voice": "autumn",
        "input": "All is well.",
        "response_format": "wav",
    }
    with wave.open(io.BytesIO(client.audio.speech.create(**asked).content)) as sound:
        frames = sound.getnframes()
    assert frames > 0
    file = tmp_path / "speech.wav"
    with client.audio.speech.with_streaming_response.create(**asked) as streamed:
        streamed.stream_to_file(file)
    with wave.open(str(file)) as sound:
        assert sound.getnframes() == frames


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
