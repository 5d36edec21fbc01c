"""The stream: its events, its pace, its bill."""

from __future__ import annotations

import pytest

from app.simulator.tokens import split_tokens
from tests.app.simulator.chat_client import ChatClient


def test_events_are_groqs(chat: ChatClient) -> None:
    streamed = chat.stream("hello", seed=7, simulate={"text": "Hello, terminal world!", "reasoning": ""})

    assert streamed.status == 200
    assert streamed.headers["content-type"] == "text/event-stream"
    first, *middle, last = streamed.chunks
    assert first["object"] == "chat.completion.chunk"
    assert first["choices"] == [
        {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    ]
    assert first["x_groq"] == {"id": streamed.headers["x-request-id"], "seed": 7}
    assert [chunk["choices"][0]["delta"] for chunk in middle] == [
        {"content": piece} for piece in split_tokens("Hello, terminal world!")
    ]
    assert last["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}
    assert last["x_groq"]["usage"] == last["usage"]
    assert streamed.data[-1] == "[DONE]"
    assert len({chunk["id"] for chunk in streamed.chunks}) == 1


def test_usage_counts_tokens_by_kind_and_time(chat: ChatClient) -> None:
    streamed = chat.stream(
        "one two", simulate={"text": "three four five", "reasoning_tokens": 4, "first_token_ms": 20}
    )

    usage = streamed.chunks[-1]["usage"]
    assert usage["completion_tokens"] == 4 + 3
    assert usage["completion_tokens_details"] == {"reasoning_tokens": 4}
    assert usage["total_tokens"] == usage["prompt_tokens"] + 7
    assert usage["queue_time"] + usage["prompt_time"] == pytest.approx(0.02)
    assert usage["total_time"] == pytest.approx(usage["prompt_time"] + usage["completion_time"])


@pytest.mark.parametrize("stream", [True, False])
def test_the_cap_ends_the_answer(chat: ChatClient, stream: bool) -> None:
    simulate = {"text": "one two three four five six", "reasoning_tokens": 2}
    if stream:
        streamed = chat.stream(max_completion_tokens=5, simulate=simulate)
        found = streamed.text, streamed.finish_reason, streamed.chunks[-1]["usage"]["completion_tokens"]
    else:
        answer = chat.ask(max_tokens=5, simulate=simulate).json()
        choice = answer["choices"][0]
        found = choice["message"]["content"], choice["finish_reason"], answer["usage"]["completion_tokens"]

    assert found == ("one two three", "length", 5)


def test_a_cap_within_the_reasoning_leaves_no_answer(chat: ChatClient) -> None:
    streamed = chat.stream(max_completion_tokens=3, simulate={"text": "never", "reasoning_tokens": 10})

    assert (streamed.text, streamed.finish_reason) == ("", "length")
    assert len([delta for delta in streamed.deltas if "reasoning" in delta]) == 3


def test_stop_sequences_end_the_answer_without_themselves(chat: ChatClient) -> None:
    simulate = {"text": "one two three four STOP five"}

    assert chat.stream(stop=["STOP", "nowhere"], simulate=simulate).text == "one two three four "
    early = chat.stream(stop=["STOP", "ee f"], simulate=simulate)
    assert (early.text, early.finish_reason) == ("one two thr", "stop")
    assert chat.ask(stop="two", simulate=simulate).json()["choices"][0]["message"]["content"] == "one "


def test_tokens_are_never_early_and_hardly_late(chat: ChatClient) -> None:
    pace = {
        "tokens_per_second": 1000,
        "first_token_ms": 50,
        "content": "paragraph",
        "tokens": 500,
        "reasoning": "",
    }

    streamed = chat.stream(simulate=pace)

    role, *tokens, _ = streamed.times
    assert len(tokens) == 500
    assert role >= 0.05
    assert all(time >= 0.05 + number / 1000 - 1e-3 for number, time in enumerate(tokens))
    assert tokens[-1] < 0.05 + 0.5 + 0.5  # it keeps to the schedule, whatever this machine did in between


def test_waits_before_the_first_token_are_used_in_turn(chat: ChatClient) -> None:
    chat.simulator.configure(first_token_ms=[0, 60, 0])

    queues = [chat.ask().json()["usage"]["queue_time"] for _ in range(4)]

    assert [round(queue, 2) for queue in queues] == [0, 0.06, 0, 0]


@pytest.mark.parametrize(
    ("model", "fields", "in_field", "inline"),
    [
        ("openai/gpt-oss-120b", {}, True, False),
        ("openai/gpt-oss-120b", {"include_reasoning": False}, False, False),
        ("openai/gpt-oss-120b", {"reasoning_format": "parsed"}, True, False),
        ("openai/gpt-oss-120b", {"reasoning_format": "hidden"}, False, False),
        ("qwen/qwen3.8-27b", {}, False, True),
        ("qwen/qwen3.8-27b", {"reasoning_format": "parsed"}, True, False),
        ("qwen/qwen3.8-27b", {"reasoning_effort": "none"}, False, False),
    ],
)
def test_reasoning_is_where_the_request_wants_it(
    chat: ChatClient, model: str, fields: dict[str, object], in_field: bool, inline: bool
) -> None:
    simulate = {"text": "Answer.", "reasoning": "Thinking hard."}

    streamed = chat.stream(model=model, simulate=simulate, **fields)
    message = chat.ask(model=model, simulate=simulate, **fields).json()["choices"][0]["message"]

    assert streamed.reasoning == message.get("reasoning", "") == ("Thinking hard." if in_field else "")
    expected = "<think>\nThinking hard.\n</think>\n\nAnswer." if inline else "Answer."
    assert streamed.text == message["content"] == expected
    billed = streamed.chunks[-1]["usage"].get("completion_tokens_details", {"reasoning_tokens": 0})
    assert billed["reasoning_tokens"] == (0 if fields.get("reasoning_effort") == "none" else 3)


def test_effort_decides_how_long_it_thinks(chat: ChatClient) -> None:
    counts = [
        chat.ask(reasoning_effort=effort).json()["usage"]["completion_tokens_details"]["reasoning_tokens"]
        for effort in ("low", "medium", "high")
    ]

    assert counts == sorted(set(counts))


def test_a_repeated_beginning_is_billed_as_cached(chat: ChatClient) -> None:
    prompt = "The same long beginning of a prompt. " * 60

    first, second = (chat.ask(prompt, include_reasoning=False).json()["usage"] for _ in range(2))

    assert "prompt_tokens_details" not in first
    assert second["prompt_tokens_details"]["cached_tokens"] % 128 == 0
    assert 0 < second["prompt_tokens_details"]["cached_tokens"] < second["prompt_tokens"]
    chat.simulator.advance(2 * 3600 + 1)
    assert "prompt_tokens_details" not in chat.ask(prompt).json()["usage"]


@pytest.mark.parametrize("text", ["\x00\x1b[31m\u202e[bold]", "日本語 🎉 e\u0301", "", "x" * 100_000])
def test_any_text_passes_unharmed(chat: ChatClient, text: str) -> None:
    chat.simulator.configure(text=text)

    assert chat.stream(include_reasoning=False).text == text
    assert chat.ask(include_reasoning=False).json()["choices"][0]["message"]["content"] == text


def test_pieces_are_sent_as_they_are_given(chat: ChatClient) -> None:
    streamed = chat.stream(include_reasoning=False, simulate={"text": ["a b c", "", "d\n"], "reasoning": ""})

    assert [delta["content"] for delta in streamed.deltas[1:-1]] == ["a b c", "", "d\n"]
    assert streamed.chunks[-1]["usage"]["completion_tokens"] == 3


def test_the_same_prompt_and_seed_give_the_same_answer(chat: ChatClient) -> None:
    first, second, other = (chat.stream("Why is grass green?", seed=seed).text for seed in (1, 1, 2))

    assert first == second
    assert other != first


@pytest.mark.parametrize(
    ("quirk", "shown"),
    [
        ("no_usage", (False, False, True)),
        ("usage_only_x_groq", (True, False, True)),
        ("usage_only_top_level", (False, True, True)),
        ("no_done", (True, True, False)),
    ],
)
def test_quirks_of_the_end(chat: ChatClient, quirk: str, shown: tuple[bool, bool, bool]) -> None:
    streamed = chat.stream(simulate={"quirks": [quirk]})

    last = streamed.chunks[-1]
    assert ("usage" in last["x_groq"], "usage" in last, streamed.data[-1] == "[DONE]") == shown


def test_quirks_of_the_bytes(chat: ChatClient) -> None:
    plain = chat.stream("hi")
    odd = chat.stream("hi", simulate={"quirks": ["crlf", "comments", "byte_by_byte"]})

    assert b"\r\n\r\n" in odd.raw
    assert b"\n\n" not in odd.raw
    assert b": heartbeat" in odd.raw
    assert odd.text == plain.text


def test_bytes_that_are_not_utf8(chat: ChatClient) -> None:
    streamed = chat.stream(include_reasoning=False, simulate={"text": "fine", "quirks": ["invalid_utf8"]})

    assert b'"content":"\xff\xfefine"' in streamed.raw


def test_a_slow_connection_costs_its_first_request_only(chat: ChatClient) -> None:
    chat.simulator.configure(connection_ms=80)

    first, second = (chat.ask().elapsed.total_seconds() for _ in range(2))

    assert first >= 0.08
    assert second < first
