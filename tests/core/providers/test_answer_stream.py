from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat import Event, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from core.errors import (
    OutputInvalid,
    ProviderError,
    RateLimited,
    ServerFailed,
    StreamInterrupted,
    ToolCallInvalid,
    UnexpectedResponse,
)
from core.providers.answer_stream import AnswerStream
from core.providers.profiles import GROQ
from core.providers.upstream import Upstream
from tests.core.providers.replay import DONE, HELLO, cut, delta, event

CALL = Upstream(GROQ, GROQ.base_url, model="openai/gpt-oss-20b")


def read(*pieces: bytes) -> tuple[list[Event], AnswerStream]:
    answer = AnswerStream(CALL)
    events: list[Event] = []
    pour(answer, pieces, events)
    return events, answer


def pour(answer: AnswerStream, pieces: Iterable[bytes], events: list[Event]) -> None:
    for piece in pieces:
        events.extend(answer.feed(piece))
    events.extend(answer.close())


def failing(*pieces: bytes) -> tuple[list[Event], ProviderError]:
    events: list[Event] = []
    with pytest.raises(ProviderError) as caught:
        pour(AnswerStream(CALL), pieces, events)
    assert caught.value.provider == "groq"
    return events, caught.value


def deltas(*fields: dict[str, Any], reason: str = "stop") -> list[bytes]:
    return [*(event(delta(**each)) for each in fields), event(delta(reason)), DONE]


def test_text() -> None:
    events, answer = read(*HELLO)
    assert events == [TextDelta("Hel"), TextDelta("lo")]
    assert (answer.finish_reason, answer.usage, answer.done) == ("stop", Usage(5, 2), True)


@given(st.lists(st.integers(0, 60), max_size=40))
def test_any_way_of_cutting_gives_the_same_answer(sizes: list[int]) -> None:
    pieces = deltas({"reasoning": "hm"}, {"content": "héllo 漢🙂"}, {"tool_calls": [{"index": 0, "id": "a"}]})
    data = b"".join(pieces)
    expected, _ = read(data)
    events, answer = read(*cut(data, sizes))
    assert events == expected
    assert answer.finish_reason == "tool_calls"


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_under_either_name(name: str) -> None:
    events, _ = read(
        *deltas({name: "think", "channel": "analysis"}, {"content": "say"}, {name: "a", "content": "b"})
    )
    assert events == [ReasoningDelta("think"), TextDelta("say"), ReasoningDelta("a"), TextDelta("b")]


def test_content_in_parts_and_refusals_are_text() -> None:
    events, _ = read(*deltas({"content": [{"type": "text", "text": "a"}, {"type": "x"}]}, {"refusal": "no"}))
    assert events == [TextDelta("a"), TextDelta("no")]


def test_nulls_and_empty_pieces_say_nothing() -> None:
    odd = [
        {"choices": []},
        {"choices": None, "usage": None},
        {"choices": [{"index": 0, "delta": None, "finish_reason": ""}]},
        delta(role="assistant", content=None, tool_calls=None, reasoning=None)
        | {"error": None, "x_groq": {}},
    ]
    events, _ = read(*map(event, odd), *HELLO)
    assert events == [TextDelta("Hel"), TextDelta("lo")]


GROQ_USAGE = {
    "queue_time": 0.1,
    "prompt_tokens": 80,
    "prompt_time": 0.01,
    "completion_tokens": 9,
    "completion_time": 0.02,
    "total_tokens": 89,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 5},
}


@pytest.mark.parametrize(
    "places",
    [
        {"usage": GROQ_USAGE},
        {"x_groq": {"id": "req_1", "usage": GROQ_USAGE}},
        {"usage": GROQ_USAGE, "x_groq": {"id": "req_1", "usage": GROQ_USAGE}},
    ],
)
def test_usage_in_either_place(places: dict[str, Any]) -> None:
    _, answer = read(event(delta(content="a")), event(delta("stop") | places), DONE)
    assert answer.usage == Usage(80, 9, 64, 5, 0.1, 0.01, 0.02)


def test_usage_that_grows_counts_once_and_nonsense_is_nought() -> None:
    growing = [event(delta(content="a") | {"usage": {"completion_tokens": n}}) for n in (1, 2)]
    _, answer = read(
        *growing, event(delta("stop")), event({"choices": [], "usage": {"completion_tokens": 3}})
    )
    assert answer.usage == Usage(completion_tokens=3)
    for nonsense in ("many", -1, 1e30, 10**30, "1e999", None, []):
        _, answer = read(
            event(delta("stop") | {"usage": {"prompt_tokens": nonsense, "queue_time": nonsense}})
        )
        assert answer.usage == Usage()
    told = b'{"prompt_tokens": 1e999, "queue_time": NaN, "completion_time": Infinity}'
    _, answer = read(b'data: {"choices": [{"finish_reason": "stop"}], "usage": %s}\n\n' % told)
    assert answer.usage == Usage()


def test_groqs_request_id_is_kept_for_errors() -> None:
    _, error = failing(event({"x_groq": {"id": "req_01"}, **delta(content="")}))
    assert error.request_id == "req_01"


def call(arguments: object = "", **fields: Any) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": fields.pop("name")} if "name" in fields else {})
    return {"type": "function", "function": function, **fields}


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param(
            [[call(index=0, id="a", name="f")], [call('{"x"', index=0)], [call(":1}", index=0)]],
            [
                ToolCallDelta(0, "a", "f", ""),
                ToolCallDelta(0, arguments='{"x"'),
                ToolCallDelta(0, arguments=":1}"),
            ],
            id="in pieces",
        ),
        pytest.param(
            [[call("{}", index=0, id="a", name="f"), call("{}", index=1, id="b", name="g")]],
            [ToolCallDelta(0, "a", "f", "{}"), ToolCallDelta(1, "b", "g", "{}")],
            id="two at once",
        ),
        pytest.param(
            [
                [call(index=0, id="a", name="f")],
                [call(index=1, id="b", name="g")],
                [call("1", index=0)],
                [call("2", index=1)],
            ],
            [
                ToolCallDelta(0, "a", "f"),
                ToolCallDelta(1, "b", "g"),
                ToolCallDelta(0, arguments="1"),
                ToolCallDelta(1, arguments="2"),
            ],
            id="interleaved",
        ),
        pytest.param(
            [[call("{}", index=0, id="a", name="f")], [call("{}", index=0, id="b", name="f")]],
            [ToolCallDelta(0, "a", "f", "{}"), ToolCallDelta(1, "b", "f", "{}")],
            id="all at index 0",
        ),
        pytest.param(
            [[call("{", index=0, id="a", name="f")], [call("}", index=0, id="a", name="f")]],
            [ToolCallDelta(0, "a", "f", "{"), ToolCallDelta(0, arguments="}")],
            id="id and name repeated",
        ),
        pytest.param(
            [[call({"x": 1}, name="f"), call(None, name="g")], [call("{}")]],
            [
                ToolCallDelta(0, "call_0", "f", '{"x": 1}'),
                ToolCallDelta(1, "call_1", "g", ""),
                ToolCallDelta(1, arguments="{}"),
            ],
            id="without index and id",
        ),
    ],
)
def test_tool_calls(pieces: list[list[dict[str, Any]]], expected: list[Event]) -> None:
    events, answer = read(*deltas(*({"tool_calls": piece} for piece in pieces)))
    assert events == expected
    assert answer.finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("function_call", "tool_calls"),
        ("eos", "stop"),
        ("model_length", "length"),
    ],
)
def test_finish_reasons(said: str, meant: str) -> None:
    assert read(event(delta(said)))[1].finish_reason == meant


@pytest.mark.parametrize(
    ("piece", "kind"),
    [
        (
            event(
                {
                    "error": {
                        "message": "x",
                        "code": "tool_use_failed",
                        "status_code": 400,
                        "failed_generation": "f(",
                    }
                },
                name="error",
            ),
            ToolCallInvalid,
        ),
        (event({"error": {"message": "x", "code": "json_validate_failed"}}), OutputInvalid),
        (event({"error": {"message": "x", "code": "rate_limit_exceeded"}}), RateLimited),
        (event({"message": "over capacity", "status_code": 503}, name="error"), ServerFailed),
        (event("out of memory", name="error"), ServerFailed),
        (event({**delta(), "x_groq": {"error": "over capacity"}}), ServerFailed),
        (
            event({"choices": [{"delta": {}, "finish_reason": "error", "error": {"message": "died"}}]}),
            ServerFailed,
        ),
    ],
)
def test_errors_within_the_stream(piece: bytes, kind: type[ProviderError]) -> None:
    events, error = failing(event(delta(content="so far")), piece)
    assert events == [TextDelta("so far")]
    assert type(error) is kind
    if isinstance(error, ToolCallInvalid):
        assert error.failed_generation == "f("


@pytest.mark.parametrize("tail", [b"", DONE, b'data: {"choices": [{"del', b": bye\n\n"])
def test_a_stream_that_just_ends(tail: bytes) -> None:
    events, error = failing(event(delta(content="so far")), tail)
    assert events == [TextDelta("so far")]
    assert isinstance(error, StreamInterrupted)


def test_an_empty_stream_is_an_interrupted_one() -> None:
    assert isinstance(failing()[1], StreamInterrupted)


def test_the_last_event_may_lack_its_blank_line() -> None:
    events, answer = read(event(delta(content="a")), event(delta("stop", content="b")).rstrip())
    assert events == [TextDelta("a"), TextDelta("b")]
    assert answer.finish_reason == "stop"
    events, error = failing(event(delta(content="a")).rstrip())
    assert events == [TextDelta("a")]
    assert isinstance(error, StreamInterrupted)


@pytest.mark.parametrize(
    "piece",
    [
        b"data: {broken\n\n",
        *map(event, ([1], 1, {"choices": 5}, {"choices": ["x"]}, {"choices": [{"delta": "x"}]})),
        *(
            event(delta(**fields))
            for fields in ({"content": 5}, {"content": {"a": 1}}, {"tool_calls": ["x"]})
        ),
    ],
)
def test_events_that_are_no_pieces_of_an_answer(piece: bytes) -> None:
    events, error = failing(event(delta(content="so far")), piece)
    assert events == [TextDelta("so far")]
    assert isinstance(error, UnexpectedResponse)


def test_text_that_is_no_stream() -> None:
    _, error = failing(b"service is starting\x1b[2J, try later")
    assert isinstance(error, UnexpectedResponse)
    assert "service is starting" in error.message
    assert "\x1b" not in error.message


def test_halves_of_surrogate_pairs_and_invalid_bytes_are_replaced() -> None:
    half = b'data: {"choices": [{"delta": {"content": "a\\ud83d"}}]}\n\n'
    invalid = b'data: {"choices": [{"delta": {"content": "b\xff"}}]}\n\n'
    pair = b'data: {"choices": [{"delta": {"content": "\\ud83d\\ude00"}}]}\n\n'
    events, _ = read(half, invalid, pair, *deltas())
    mark = "\N{REPLACEMENT CHARACTER}"
    assert events == [TextDelta(f"a{mark}"), TextDelta(f"b{mark}"), TextDelta("😀")]


def test_json_nested_without_end_is_refused() -> None:
    _, error = failing(b"data: " + b'{"a":' * 100_000 + b"\n\n")
    assert isinstance(error, UnexpectedResponse)


NAMES = (
    "choices delta content tool_calls function index id name arguments usage x_groq error finish_reason"
    " reasoning message code"
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values, json_values)
def test_any_json_gives_events_or_an_error_of_ours(chunk: Any, piece: Any) -> None:
    events: list[Event] = []
    pieces = [event(json.dumps(chunk)), event({"choices": [{"delta": piece, "finish_reason": "stop"}]})]
    with contextlib.suppress(ProviderError):
        pour(AnswerStream(CALL), pieces, events)
    assert all(isinstance(each, TextDelta | ReasoningDelta | ToolCallDelta) for each in events)
