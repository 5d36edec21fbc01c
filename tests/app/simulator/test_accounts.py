"""Accounts: limits over HTTP, the log, isolation of one key from another, the generic dialect."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.app.simulator.chat_client import ChatClient, wait_for
from tests.simulated import Simulated


@pytest.fixture
def other(simulator_url: str) -> Iterator[ChatClient]:
    simulated = Simulated(simulator_url)
    client = ChatClient(simulated)
    yield client
    client.http.close()
    simulated.close()


def remaining(answer: httpx.Response) -> int:
    return int(answer.headers["x-ratelimit-remaining-tokens"])


def test_prompt_and_cap_are_reserved_and_what_is_unused_comes_back(chat: ChatClient) -> None:
    chat.simulator.configure(limits="free", text="short", reasoning="")

    answer = chat.ask(max_completion_tokens=7_000)
    usage = answer.json()["usage"]

    assert remaining(answer) <= 8_000 - 7_000 - usage["prompt_tokens"] + 50
    assert 7_900 <= remaining(chat.ask(max_completion_tokens=1)) <= 8_000


def test_the_free_tier_refuses_and_time_helps(chat: ChatClient) -> None:
    chat.simulator.configure(limits={"requests_per_minute": 2})

    statuses = [chat.ask().status_code for _ in range(3)]
    refused = chat.ask()
    chat.simulator.advance(30.0)

    assert statuses == [200, 200, 429]
    assert refused.headers["retry-after"] in {"29", "30"}
    assert "x-ratelimit-remaining-requests" in refused.headers
    assert refused.json()["error"]["type"] == "requests"
    assert chat.ask().status_code == 200


def test_a_cap_over_the_free_tier_is_413(chat: ChatClient) -> None:
    chat.simulator.configure(limits="free")

    answer = chat.ask(max_completion_tokens=9_000)

    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "tokens")


def test_models_have_buckets_of_their_own(chat: ChatClient) -> None:
    chat.simulator.configure(limits={"requests_per_minute": 1})

    assert chat.ask().status_code == 200
    assert chat.ask(model="openai/gpt-oss-120b").status_code == 200
    assert chat.ask().status_code == 429


def test_a_broken_off_answer_is_billed_as_far_as_it_went(chat: ChatClient) -> None:
    chat.simulator.configure(
        limits={"tokens_per_minute": 8_000},
        content="paragraph",
        tokens=5_000,
        reasoning="",
        faults=[{"kind": "end", "after_tokens": 1_000, "times": 1}],
    )
    chat.stream(max_completion_tokens=6_000)

    left = remaining(chat.ask(max_completion_tokens=1))

    assert 6_900 <= left <= 8_000


def test_accounts_do_not_disturb_each_other(chat: ChatClient, other: ChatClient) -> None:
    chat.simulator.configure(limits={"requests_per_minute": 1}, text="mine")
    other.simulator.configure(text="theirs")

    assert chat.ask().status_code == 200
    assert chat.ask().status_code == 429
    assert other.ask().json()["choices"][0]["message"]["content"] == "theirs"
    assert len(chat.simulator.requests()) == 2
    assert len(other.simulator.requests()) == 1


def test_the_log_holds_what_was_received(chat: ChatClient) -> None:
    chat.ask("What is logged?", temperature=0.5)
    chat.http.post(chat.url, content=b"not json")

    first, second = chat.simulator.requests()

    assert (first["method"], first["path"]) == ("POST", "/openai/v1/chat/completions")
    assert first["body"]["temperature"] == 0.5
    assert first["headers"]["authorization"] == f"Bearer {chat.simulator.api_key}"
    assert (first["status"], first["outcome"], first["fault"]) == (200, "answered", None)
    assert first["tokens_sent"] > 0
    assert (second["body"], second["status"], second["outcome"]) == (None, 400, "refused")
    assert first["connection"] == second["connection"]


def test_a_client_that_leaves_is_noticed_at_once(chat: ChatClient) -> None:
    chat.simulator.configure(tokens_per_second=100, content="paragraph", tokens=10_000, reasoning="")
    with chat.open_stream() as response:
        next(response.iter_raw())

    wait_for(lambda: chat.simulator.requests()[-1]["outcome"] == "disconnected")

    assert chat.simulator.requests()[-1]["tokens_sent"] < 10_000


def test_a_new_connection_is_told_from_a_kept_one(chat: ChatClient) -> None:
    chat.ask()
    chat.ask()
    with httpx.Client(trust_env=False, verify=False, headers=chat.http.headers) as fresh:
        fresh.post(chat.url, json=chat.body())

    numbers = [received["connection"] for received in chat.simulator.requests()]

    assert numbers[0] == numbers[1] != numbers[2]
    assert chat.simulator.state()["connections_accepted"] >= 2


def test_wrong_options_are_refused(simulator: Simulated) -> None:
    url = f"{simulator.root}/_simulator/keys/{simulator.api_key}"
    answers = [
        httpx.put(url, content=raw, trust_env=False, verify=False)
        for raw in (b'{"sped": 1}', b"{", b'{"tokens": "x"}')
    ]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert httpx.get(url, trust_env=False, verify=False).json()["tokens"] is None


def test_a_forgotten_key_is_wrong(chat: ChatClient) -> None:
    chat.simulator.forget()

    assert chat.ask().status_code == 401


def test_the_generic_dialect_is_plain_openai(chat: ChatClient) -> None:
    chat.simulator.configure(text="one two")
    chat.url = f"{chat.simulator.generic_url}/chat/completions"

    plain = chat.stream(model="llama3.2", n=1, logprobs=False, frequency_penalty=0)
    with_usage = chat.stream(model="llama3.2", stream_options={"include_usage": True})
    whole = chat.ask(model="gemma2-9b-it").json()

    assert plain.text == with_usage.text == whole["choices"][0]["message"]["content"] == "one two"
    assert all("usage" not in chunk and "x_groq" not in chunk for chunk in plain.chunks)
    assert with_usage.chunks[-1]["choices"] == []
    assert set(with_usage.chunks[-1]["usage"]) == {"prompt_tokens", "completion_tokens", "total_tokens"}
    assert with_usage.data[-1] == "[DONE]"
    assert "queue_time" not in whole["usage"]


def test_the_generic_dialect_needs_no_key(simulator: Simulated) -> None:
    body = {"model": "any", "messages": [{"role": "user", "content": "hi"}]}
    answer = httpx.post(f"{simulator.generic_url}/chat/completions", json=body, trust_env=False, verify=False)

    assert answer.status_code == 200
    assert httpx.get(f"{simulator.generic_url}/models", trust_env=False, verify=False).status_code == 200
    assert httpx.get(f"{simulator.base_url}/models", trust_env=False, verify=False).status_code == 401
