"""Everything that can go wrong, at every stage."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.app.simulator.chat_client import ChatClient, wait_for
from tests.simulated import Simulated


@pytest.mark.parametrize(
    ("fault", "status", "content_type", "said"),
    [
        ({"kind": "unauthorized"}, 401, "application/json", '"code":"invalid_api_key"'),
        ({"kind": "forbidden"}, 403, "application/json", '"type":"permissions_error"'),
        ({"kind": "cloudflare"}, 403, "text/html; charset=UTF-8", "Error 1010"),
        ({"kind": "blocked"}, 400, "application/json", '"code":"blocked_api_access"'),
        ({"kind": "context_length"}, 400, "application/json", '"code":"context_length_exceeded"'),
        ({"kind": "model_not_found"}, 404, "application/json", '"code":"model_not_found"'),
        ({"kind": "model_decommissioned"}, 400, "application/json", '"code":"model_decommissioned"'),
        ({"kind": "bad_request", "message": "no"}, 400, "application/json", '"message":"no"'),
        ({"kind": "unprocessable"}, 422, "application/json", "well-formed"),
        ({"kind": "failed_dependency"}, 424, "application/json", "tool server"),
        ({"kind": "rate_limited", "retry_after": 4.77}, 429, "application/json", "try again in 4.77s."),
        ({"kind": "too_large"}, 413, "application/json", '"code":"rate_limit_exceeded"'),
        ({"kind": "capacity"}, 498, "application/json", '"code":"capacity_exceeded"'),
        ({"kind": "server_error"}, 500, "application/json", '"type":"internal_server_error"'),
        (
            {"kind": "server_error", "status": 502, "form": "html"},
            502,
            "text/html",
            "<h1>502 Bad Gateway</h1>",
        ),
        (
            {"kind": "server_error", "status": 503, "form": "text"},
            503,
            "text/plain; charset=utf-8",
            "Service Una",
        ),
        ({"kind": "server_error", "form": "empty"}, 500, "application/json", ""),
        ({"kind": "empty_body"}, 200, "application/json", ""),
        ({"kind": "html_page"}, 200, "text/html", "<title>Sign in</title>"),
        ({"kind": "plain_text", "message": "it works"}, 200, "text/plain", "it works"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_answers_instead(
    chat: ChatClient, fault: dict[str, Any], status: int, content_type: str, said: str, stream: bool
) -> None:
    chat.simulator.fail(**fault)

    answer = chat.ask(stream=stream)

    assert (answer.status_code, answer.headers["content-type"]) == (status, content_type)
    assert said in answer.text
    assert bool(said) == bool(answer.text)
    assert ("retry-after" in answer.headers) == (fault["kind"] == "rate_limited")
    received = chat.simulator.requests()[-1]
    assert (received["fault"], received["outcome"]) == (fault["kind"], "broken")


def test_a_503_may_say_when_to_come_back(chat: ChatClient) -> None:
    chat.simulator.fail("server_error", status=503, retry_after=2.5)

    assert chat.ask().headers["retry-after"] == "3"


@pytest.mark.parametrize(
    ("kind", "error"), [("reset", httpx.ReadError), ("close", httpx.RemoteProtocolError)]
)
def test_connections_end_before_an_answer(chat: ChatClient, kind: str, error: type[Exception]) -> None:
    chat.simulator.fail(kind)

    with pytest.raises(error):
        chat.ask()


def test_hanging_ends_when_the_client_gives_up(chat: ChatClient) -> None:
    chat.simulator.fail("hang")

    with pytest.raises(httpx.ReadTimeout):
        chat.http.post(chat.url, json=chat.body(), timeout=0.2)

    wait_for(lambda: chat.simulator.state()["connections_open"] >= 1)
    assert chat.simulator.requests()[-1]["fault"] == "hang"


def test_ports_that_refuse_and_that_never_accept(simulator: Simulated) -> None:
    state = simulator.state()

    with pytest.raises(httpx.ConnectError):
        httpx.get(state["refused_url"], trust_env=False, verify=False)
    with pytest.raises(httpx.ConnectTimeout):
        httpx.get(state["unanswered_url"], trust_env=False, verify=False, timeout=0.2)


@pytest.mark.parametrize("after", [0, 3])
def test_an_error_event_ends_the_stream(chat: ChatClient, after: int) -> None:
    chat.simulator.configure(
        text="one two three four five",
        reasoning="",
        faults=[{"kind": "sse_error", "after_tokens": after, "status": 503}],
    )

    streamed = chat.stream()

    assert streamed.status == 200
    assert streamed.text == "one two three"[: 0 if after == 0 else None]
    assert streamed.raw.endswith(b"\n\n")
    assert streamed.data[-1] != "[DONE]"
    assert streamed.chunks[-1]["error"] == {
        "message": "Service Unavailable",
        "type": "internal_server_error",
        "status_code": 503,
    }


@pytest.mark.parametrize("kind", ["tool_use_failed", "json_validate_failed"])
def test_failed_generations_are_passed_on(chat: ChatClient, kind: str) -> None:
    chat.simulator.fail(kind, after_tokens=2, failed_generation='{"half": ')

    whole = chat.ask()
    streamed = chat.stream()

    error = whole.json()["error"]
    assert (whole.status_code, error["code"], error["failed_generation"]) == (400, kind, '{"half": ')
    assert streamed.chunks[-1]["error"] == error | {"status_code": 400}
    assert streamed.chunks[1]["choices"][0]["delta"]["reasoning"]


def test_an_error_in_x_groq(chat: ChatClient) -> None:
    chat.simulator.fail("x_groq_error", after_tokens=1, message="over capacity")

    assert chat.stream().chunks[-1]["x_groq"]["error"] == "over capacity"
    assert chat.ask().status_code == 500


def read_until_broken(chat: ChatClient) -> tuple[bytes, Exception | None]:
    raw = b""
    try:
        with chat.open_stream() as response:
            for data in response.iter_raw():
                raw += data
    except httpx.HTTPError as error:
        return raw, error
    return raw, None


@pytest.mark.parametrize(
    ("kind", "error"),
    [("end", type(None)), ("cut", httpx.RemoteProtocolError), ("cut_reset", httpx.ReadError)],
)
def test_a_stream_ends_early(chat: ChatClient, kind: str, error: type[Exception]) -> None:
    chat.simulator.configure(
        text="one two three four", reasoning="", faults=[{"kind": kind, "after_tokens": 2}]
    )

    raw, caught = read_until_broken(chat)

    assert isinstance(caught, error)
    assert b'"content":" two"' in raw
    assert b"three" not in raw
    assert b"[DONE]" not in raw
    assert b'finish_reason":"' not in raw
    received = chat.simulator.requests()[-1]
    assert (received["outcome"], received["fault"], received["tokens_sent"]) == ("broken", kind, 2)


def test_a_stream_stalls_until_the_client_gives_up(chat: ChatClient) -> None:
    chat.simulator.configure(
        text="one two three", reasoning="", faults=[{"kind": "stall", "after_tokens": 1}]
    )
    raw = b""

    def read() -> None:
        nonlocal raw
        with chat.http.stream("POST", chat.url, json=chat.body(stream=True), timeout=0.3) as response:
            for data in response.iter_raw():
                raw += data

    with pytest.raises(httpx.ReadTimeout):
        read()

    assert b'"content":"one"' in raw
    assert b"two" not in raw
    wait_for(lambda: chat.simulator.requests()[-1]["outcome"] == "disconnected")


def test_events_that_are_no_json_or_too_large_are_followed_by_the_rest(chat: ChatClient) -> None:
    chat.simulator.configure(
        text="one two", reasoning="", faults=[{"kind": "garbage_event", "after_tokens": 1}]
    )
    garbage = chat.stream()
    chat.simulator.configure(text="one two", reasoning="", faults=[{"kind": "oversized_event"}])
    oversized = chat.stream()

    assert len(garbage.data) == 6
    with pytest.raises(json.JSONDecodeError):
        json.loads(garbage.data[2])
    assert len(oversized.text) == 9 * 1024 * 1024 + len("one two")
    assert oversized.data[-1] == "[DONE]"


@pytest.mark.parametrize(
    ("kind", "error"), [("cut", httpx.RemoteProtocolError), ("cut_reset", httpx.ReadError)]
)
def test_whole_answers_break_half_way(chat: ChatClient, kind: str, error: type[Exception]) -> None:
    chat.simulator.fail(kind)

    with pytest.raises(error):
        chat.ask()


@pytest.mark.parametrize("kind", ["end", "garbage_event"])
def test_whole_answers_may_be_half_json(chat: ChatClient, kind: str) -> None:
    chat.simulator.fail(kind)

    answer = chat.ask()

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_a_whole_answer_may_be_oversized(chat: ChatClient) -> None:
    chat.simulator.fail("oversized_event")

    assert len(chat.ask().json()["padding"]) == 9 * 1024 * 1024


def test_first_calls_fail_then_it_works(chat: ChatClient) -> None:
    chat.simulator.fail("server_error", status=503, times=2)

    assert [chat.ask().status_code for _ in range(4)] == [503, 503, 200, 200]


def test_faults_may_begin_late_and_come_one_after_the_other(chat: ChatClient) -> None:
    chat.simulator.configure(
        faults=[
            {"kind": "server_error", "skip": 1, "times": 1},
            {"kind": "rate_limited", "skip": 2, "times": 1},
        ]
    )

    assert [chat.ask().status_code for _ in range(4)] == [200, 500, 429, 200]


def test_faults_may_be_for_one_model_tier_or_endpoint(chat: ChatClient) -> None:
    chat.simulator.configure(
        faults=[
            {"kind": "server_error", "model": "openai/gpt-oss-120b"},
            {"kind": "capacity", "service_tier": "flex"},
            {"kind": "unauthorized", "path": "models"},
        ]
    )

    assert chat.ask().status_code == 200
    assert chat.ask(model="openai/gpt-oss-120b").status_code == 500
    assert chat.ask(service_tier="flex").status_code == 498
    assert chat.http.get(f"{chat.simulator.base_url}/models").status_code == 401


def test_a_fault_of_one_request_leaves_the_accounts_own_alone(chat: ChatClient) -> None:
    chat.simulator.fail("server_error", times=1)

    assert chat.ask(simulate={"faults": [{"kind": "rate_limited"}]}).status_code == 429
    assert chat.ask(simulate={"text": "x"}).status_code == 500
    assert chat.ask().status_code == 200
