"""Chat over the gateway: what a client sends reaches the provider, and what that writes the client."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import httpx
import pytest

from tests.app.gateway.conftest import HELLO, MODEL, Gateway


def chunks(answer: httpx.Response) -> list[dict[str, Any]]:
    """The chunks of a whole stream, which has to end with its mark."""
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def text_of(answer: httpx.Response) -> str:
    return "".join(
        choice["delta"].get("content") or "" for chunk in chunks(answer) for choice in chunk["choices"]
    )


@pytest.mark.parametrize("path", ["/v1", "/openai/v1"])
def test_a_whole_answer_is_the_providers_own(served: Gateway, path: str) -> None:
    served.simulator.configure(text="All is well.", reasoning="")
    answer = served.chat(path=path, headers={"X-Request-ID": f"whole{path}".replace("/", "-")})
    assert answer.status_code == 200
    body = answer.json()
    assert body["choices"][0]["message"]["content"] == "All is well."
    assert body["x_groq"]["id"]  # a field that only Groq has
    assert answer.headers["x-tensorwall-route"] == f"groq/{MODEL}"
    assert answer.headers["x-tensorwall-attempts"] == "1"
    assert float(answer.headers["x-tensorwall-overhead-ms"]) >= 0
    (row,) = served.rows(answer.headers["x-request-id"])
    assert float(answer.headers["x-tensorwall-cost"]) == pytest.approx(row["cost"] / 10**12, rel=1e-9)


def test_a_stream_is_the_providers_own(served: Gateway) -> None:
    served.simulator.configure(text=["All", " is", " well."], reasoning="")
    answer = served.chat(stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert text_of(answer) == "All is well."
    assert chunks(answer)[0]["choices"][0]["delta"]["role"] == "assistant"
    assert ": x-tensorwall-cost: 0.0" in answer.text


def test_what_nobody_here_knows_passes_untouched(served: Gateway) -> None:
    messages = [{"role": "user", "content": "Hi", "cache_control": {"type": "ephemeral"}}]
    served.chat(messages=messages, documents=[{"text": "x"}], user="ann", temperature=0)
    (asked,) = served.simulator.questions()
    assert asked["body"]["messages"] == messages
    assert asked["body"]["documents"] == [{"text": "x"}]
    assert (asked["body"]["user"], asked["body"]["temperature"]) == ("ann", 0)


def test_what_the_provider_refuses_is_left_out_and_told(served: Gateway) -> None:
    answer = served.chat(logit_bias={"1": 2}, n=1)
    assert answer.status_code == 200
    assert answer.headers["x-tensorwall-left-out"] == "logit_bias,n"


def test_tools_pass_both_ways(served: Gateway) -> None:
    served.simulator.configure(tool_calls=[{"name": "weather", "arguments": {"city": "Oslo"}}], reasoning="")
    tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]
    message = served.chat(tools=tools).json()["choices"][0]["message"]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"city": "Oslo"}
    streamed = chunks(served.chat(tools=tools, stream=True))
    assert any(choice["delta"].get("tool_calls") for chunk in streamed for choice in chunk["choices"])


@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_is_kept_to_also_where_the_provider_cannot_stream_it(served: Gateway, stream: bool) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}}
    answer = served.chat(response_format=wanted, stream=stream, max_completion_tokens=2000)
    assert answer.status_code == 200, answer.text
    text = text_of(answer) if stream else answer.json()["choices"][0]["message"]["content"]
    assert isinstance(json.loads(text)["city"], str)


def test_usage_comes_in_a_stream_only_where_it_was_asked_for(served: Gateway) -> None:
    plain = chunks(served.chat(stream=True, model=MODEL))
    assert all(chunk["choices"] for chunk in plain)
    wanted = {"type": "json_object"}
    asked = chunks(
        served.chat(
            stream=True,
            stream_options={"include_usage": True},
            response_format=wanted,
            messages=[{"role": "user", "content": "JSON please"}],
        )
    )
    assert any(chunk.get("usage") for chunk in asked)


def test_a_retired_model_is_replaced_as_in_the_assistant(served: Gateway) -> None:
    answer = served.chat(model="llama-70b")
    assert answer.headers["x-tensorwall-route"] == "groq/openai/gpt-oss-120b"
    assert answer.headers["x-tensorwall-attempts"] == "2"


def test_a_dry_run_sends_and_books_nothing(served: Gateway) -> None:
    answer = served.chat(headers={"X-Dry-Run": "1", "X-Request-ID": "dry"}, max_completion_tokens=100).json()
    assert answer["route"]["provider"] == "groq"
    assert answer["estimate"]["max_completion_tokens"] == 100
    assert float(answer["estimate"]["worst_cost_usd"]) > float(answer["estimate"]["prompt_cost_usd"]) > 0
    assert served.simulator.questions() == []


@pytest.mark.parametrize("word", ["true", "YES", "on"])
def test_a_dry_run_may_be_asked_for_in_several_words(served: Gateway, word: str) -> None:
    assert served.chat(headers={"X-Dry-Run": word}).json()["object"] == "chat.completion.dry_run"
    assert served.simulator.questions() == []


def test_what_may_have_meant_a_dry_run_spends_nothing(served: Gateway) -> None:
    answer = served.chat(headers={"X-Dry-Run": "banana"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "X-Dry-Run")
    assert served.simulator.questions() == []
    assert served.chat(headers={"X-Dry-Run": "off"}).json()["object"] == "chat.completion"


def test_the_curl_line_of_the_owners_document_works(served: Gateway) -> None:
    line = [
        "curl", "-sS", "-X", "POST", f"{served.root}/v1/chat/completions",
        "-H", f"X-API-Key: {served.running.key}",
        "-H", f"Authorization: Bearer {served.simulator.api_key}",
        "-H", "Content-Type: application/json",
        "-d", '{"model": "llama-3.3-70b-versatile", "messages": [{"role": "user", "content": "Hello!"}]}',
    ]  # fmt: skip
    ran = subprocess.run(line, capture_output=True, check=True, timeout=20)
    assert json.loads(ran.stdout)["choices"][0]["message"]["role"] == "assistant"
    assert served.simulator.questions()


def test_the_feature_and_the_request_reach_the_ledger(served: Gateway) -> None:
    served.simulator.configure(text="Hi.", reasoning="")
    served.chat(headers={"X-Feature": "editor", "X-Request-ID": "from-an-editor"})
    (row,) = served.rows("from-an-editor")
    assert (row["feature"], row["outcome"], row["model"]) == ("editor", "answered", MODEL)
    assert row["prompt_tokens"] > 0
    assert row["key_id"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content"),
        ({"model": "m" * 201}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"stream": 1}, "stream"),
        ({"stream_options": 5}, "stream_options"),
        ({"stream_options": [], "stream": True}, "stream_options"),
        ({"stream_options": {"include_usage": "yes"}, "stream": True}, "stream_options.include_usage"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"max_completion_tokens": 5.5}, "max_completion_tokens"),
        ({"max_completion_tokens": 5, "max_tokens": "5"}, "max_tokens"),
    ],
)
def test_what_cannot_be_understood_is_told_by_its_name(
    served: Gateway, fields: dict[str, Any], param: str
) -> None:
    answer = served.chat(**fields)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param
    assert served.simulator.questions() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "hot"),
        ("temperature", True),
        ("temperature", 7),
        ("response_format", "json"),
        ("response_format", {"type": 5}),
        ("response_format", {"type": "json_schema"}),
        ("tools", 5),
        ("tools", [5]),
        ("tools", "x"),
        ("tools", [{"type": 5, "function": 6}]),
        ("tool_choice", 5),
        ("service_tier", 5),
        ("service_tier", ["flex"]),
        ("reasoning_effort", 5),
        ("reasoning_effort", ["low"]),
        ("stop", 5),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_field_of_the_wrong_kind_is_the_providers_to_refuse(
    served: Gateway, name: str, value: object, stream: bool
) -> None:
    answer = served.chat(stream=stream, **{name: value})
    (asked,) = served.simulator.questions()
    sent = asked["body"][name]
    assert (sent, type(sent)) == (value, type(value))
    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_a_body_that_is_no_json_is_told(served: Gateway) -> None:
    url = f"{served.root}/v1/chat/completions"
    answer = served.client.post(url, content=b"{", headers=served.keys)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "bad_request"}, 400, None),
        ({"kind": "rate_limited", "retry_after": 90}, 429, "rate_limit_exceeded"),
        ({"kind": "server_error", "status": 503}, 502, None),
        ({"kind": "unauthorized"}, 401, "invalid_api_key"),
        ({"kind": "html_page"}, 502, "provider_failed"),
    ],
)
def test_faults_of_the_provider_are_told_as_openai_tells_them(
    served: Gateway, fault: dict[str, Any], status: int, code: str | None
) -> None:
    served.simulator.configure(faults=[fault])
    answer = served.chat()
    error = answer.json()["error"]
    assert answer.status_code == status, answer.text
    assert set(error) == {"message", "type", "param", "code"}
    if code:
        assert error["code"] == code
    assert served.simulator.api_key not in answer.text
    if status == 429:
        assert 60 <= int(answer.headers["retry-after"]) <= 90


def test_a_stream_that_breaks_off_ends_with_an_error_and_without_its_mark(served: Gateway) -> None:
    fault = {"kind": "cut", "after_tokens": 2}
    served.simulator.configure(text=["Once", " upon", " a", " time"], reasoning="", faults=[fault])
    answer = served.chat(stream=True, headers={"X-Request-ID": "cut"})
    events = [line for line in answer.text.split("\n\n") if line]
    assert "Once" in answer.text
    assert json.loads(events[-1].removeprefix("data: "))["error"]["message"]
    first, *rescues = served.rows("cut")
    assert (first["outcome"], first["estimated"]) == ("interrupted", 1)
    assert {(row["role"], row["outcome"]) for row in rescues} == {("rescue", "failed")}


@pytest.mark.parametrize("kind", ["cut", "cut_reset", "end", "sse_error", "x_groq_error"])
def test_a_stream_that_breaks_off_once_goes_on_as_the_same_one(served: Gateway, kind: str) -> None:
    told = "Once upon a time there was a gateway that never broke."
    fault = {"kind": kind, "after_tokens": 9, "times": 1}
    served.simulator.configure(text=told, reasoning="", faults=[fault])
    options = {"include_usage": True}
    answer = served.chat(stream=True, stream_options=options, headers={"X-Request-ID": f"mended-{kind}"})
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line.startswith("data: ")]
    assert lines.pop() == "[DONE]"
    chunks = [json.loads(line) for line in lines]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == told
    assert sum("role" in delta for delta in deltas) == 1
    assert len({(chunk["id"], chunk["model"], chunk["created"]) for chunk in chunks}) == 1
    assert [choice["finish_reason"] for chunk in chunks for choice in chunk["choices"]][-1] == "stop"
    assert f": x-tensorwall-route: groq/{MODEL}" in answer.text
    rows = served.rows(f"mended-{kind}")
    assert [(row["role"], row["outcome"]) for row in rows] == [
        ("first", "interrupted"),
        ("rescue", "answered"),
    ]
    usage = chunks[-1]["usage"]
    assert usage["prompt_tokens"] == sum(row["prompt_tokens"] for row in rows)
    assert usage["completion_tokens"] == sum(row["completion_tokens"] for row in rows)


def test_json_that_breaks_off_is_not_pieced_together(served: Gateway) -> None:
    fault = {"kind": "cut", "after_tokens": 2, "times": 1}
    served.simulator.configure(text=['{"a"', ": ", "1}"], reasoning="", faults=[fault])
    wanted = {"type": "json_object"}
    messages = [{"role": "user", "content": "JSON, please."}]
    answer = served.chat(stream=True, messages=messages, response_format=wanted)
    assert '"error"' in answer.text
    assert "[DONE]" not in answer.text
    assert len(served.simulator.questions()) == 1


CLOCK = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object"}}}


def test_a_tool_call_that_breaks_off_at_a_client_is_not_made_anew(served: Gateway) -> None:
    fault = {"kind": "cut", "after_tokens": 3, "times": 1}
    call = {"name": "clock", "arguments": {"zone": "Europe/Berlin"}}
    served.simulator.configure(tool_calls=[call], reasoning="", faults=[fault])
    headers = {"X-Request-ID": "cut-tool"}
    answer = served.chat(stream=True, tools=[CLOCK], headers=headers)
    assert '"tool_calls"' in answer.text
    (*_, last) = (event for event in answer.text.split("\n\n") if event)
    assert "before the answer was complete" in json.loads(last.removeprefix("data: "))["error"]["message"]
    assert [row["outcome"] for row in served.rows("cut-tool")] == ["interrupted"]


@pytest.mark.parametrize("kind", ["cut", "end"])
@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"tools": [CLOCK]}, {"tool_calls": [{"name": "clock", "arguments": {"zone": "Europe/Berlin"}}]}),
        ({"response_format": {"type": "json_object"}}, {"text": '{"a": 1}'}),
    ],
    ids=["tool", "json"],
)
def test_a_whole_answer_that_breaks_off_is_asked_for_anew(
    served: Gateway, fields: dict[str, Any], options: dict[str, Any], kind: str
) -> None:
    served.simulator.configure(reasoning="", faults=[{"kind": kind, "times": 1}], **options)
    place = f"{kind}-{next(iter(fields))}"
    messages = [{"role": "user", "content": "JSON, please."}]
    answer = served.chat(messages=messages, headers={"X-Request-ID": f"whole-{place}"}, **fields)
    message = answer.json()["choices"][0]["message"]
    if "tools" in fields:
        assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"zone": "Europe/Berlin"}
    else:
        assert message["content"] == '{"a": 1}'
    assert answer.headers["x-tensorwall-attempts"] == "2"
    rows = served.rows(f"whole-{place}")
    assert [(row["role"], row["outcome"]) for row in rows] == [("first", "failed"), ("retry", "answered")]
    assert len(served.simulator.questions()) == 2


def test_an_error_before_the_first_word_has_its_status_in_a_stream_too(served: Gateway) -> None:
    served.simulator.fail("bad_request")
    assert served.chat(stream=True).status_code == 400


def test_a_client_that_goes_ends_the_call_at_the_provider(served: Gateway) -> None:
    served.simulator.configure(tokens_per_second=50, content="markdown", tokens=4000, reasoning="")
    body = {"model": MODEL, "messages": HELLO, "stream": True}
    headers = {**served.keys, "X-Request-ID": "gone"}
    with httpx.Client(trust_env=False, timeout=20) as client:
        url = f"{served.root}/v1/chat/completions"
        with client.stream("POST", url, json=body, headers=headers) as answer:
            next(answer.iter_bytes())
    (row,) = served.rows("gone")
    assert (row["outcome"], row["estimated"]) == ("cancelled", 1)
    while served.simulator.questions()[0]["outcome"] == "answering":
        pass
    assert served.simulator.questions()[0]["outcome"] == "disconnected"
    ahead = served.simulator.state()["connections_accepted"]
    served.simulator.configure()
    assert served.chat().status_code == 200
    assert served.simulator.questions()[-1]["connection"] <= ahead  # nor does the next wait for a handshake
