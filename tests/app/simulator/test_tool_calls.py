"""Tool use."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.app.simulator.chat_client import ChatClient, Streamed


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": sorted(properties)}
    return {"type": "function", "function": {"name": name, "description": name, "parameters": schema}}


WEATHER = tool(
    "get_weather", city={"type": "string"}, unit={"type": "string", "enum": ["celsius", "fahrenheit"]}
)
ADD = tool("add_numbers", first={"type": "integer"}, second={"type": "integer"})


def calls_of(chat: ChatClient, prompt: str, **fields: Any) -> list[tuple[str, Any]]:
    choice = chat.ask(prompt, **fields).json()["choices"][0]
    calls = choice["message"].get("tool_calls", [])
    assert choice["finish_reason"] == ("tool_calls" if calls else "stop")
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


def test_a_tool_is_called_when_the_prompt_suggests_it(chat: ChatClient) -> None:
    calls = calls_of(chat, "What is the weather in Paris?", tools=[WEATHER, ADD])

    assert calls == [("get_weather", {"city": "Paris", "unit": "celsius"})]
    assert calls_of(chat, "Tell me a joke.", tools=[WEATHER, ADD]) == []


def test_numbers_in_the_prompt_become_arguments(chat: ChatClient) -> None:
    assert calls_of(chat, "Use numbers: add 17 and 25.", tools=[ADD]) == [
        ("add_numbers", {"first": 17, "second": 25})
    ]


def test_several_places_are_parallel_calls_unless_that_is_off(chat: ChatClient) -> None:
    prompt = "Compare the weather in Paris and Rome."

    both = calls_of(chat, prompt, tools=[WEATHER])
    one = calls_of(chat, prompt, tools=[WEATHER], parallel_tool_calls=False)

    assert [arguments["city"] for _, arguments in both] == ["Paris", "Rome"]
    assert one == both[:1]


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("none", []),
        ("auto", []),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "add_numbers"}}, ["add_numbers"]),
    ],
)
def test_the_choice_is_obeyed(chat: ChatClient, choice: Any, names: list[str]) -> None:
    calls = calls_of(chat, "Tell me a joke.", tools=[WEATHER, ADD], tool_choice=choice)

    assert [name for name, _ in calls] == names


def joined(streamed: Streamed) -> list[dict[str, str]]:
    calls: dict[int, dict[str, str]] = {}
    for delta in streamed.deltas:
        for piece in delta.get("tool_calls", ()):
            call = calls.setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
            call["id"] += piece.get("id", "")
            call["name"] += piece["function"].get("name", "")
            call["arguments"] += piece["function"]["arguments"]
    return list(calls.values())


@pytest.mark.parametrize("quirks", [[], ["whole_tool_calls"]])
def test_a_stream_carries_calls_in_pieces_or_whole(chat: ChatClient, quirks: list[str]) -> None:
    prompt = "Compare the weather in Paris and Rome."

    streamed = chat.stream(prompt, tools=[WEATHER], simulate={"quirks": quirks})
    whole = chat.ask(prompt, tools=[WEATHER]).json()

    assert joined(streamed) == [
        {"id": call["id"], **call["function"]} for call in whole["choices"][0]["message"]["tool_calls"]
    ]
    assert streamed.finish_reason == "tool_calls"
    pieces = [delta for delta in streamed.deltas if "tool_calls" in delta]
    assert len(pieces) == 2 if quirks else len(pieces) > 6
    assert streamed.chunks[-1]["usage"]["completion_tokens"] == whole["usage"]["completion_tokens"]


def test_the_result_is_used_in_the_answer(chat: ChatClient) -> None:
    asked = {"role": "user", "content": "What is the weather in Paris?"}
    made = chat.ask(messages=[asked], tools=[WEATHER]).json()["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": made["tool_calls"][0]["id"], "content": "21 degrees, clear"}

    answer = chat.ask(messages=[asked, made, result], tools=[WEATHER]).json()["choices"][0]

    assert answer["finish_reason"] == "stop"
    assert "`get_weather`: 21 degrees, clear" in answer["message"]["content"]


def test_calls_may_be_set_exactly(chat: ChatClient) -> None:
    chat.simulator.configure(tool_calls=[{"name": "get_weather", "arguments": '{"city": "Par'}])

    streamed = chat.stream("anything", tools=[WEATHER])

    assert joined(streamed)[0]["arguments"] == '{"city": "Par'


def test_a_call_of_an_unknown_tool_fails(chat: ChatClient) -> None:
    chat.simulator.configure(tool_calls=[{"name": "no_such_tool", "arguments": {"a": 1}}])

    whole = chat.ask("anything", tools=[WEATHER])
    streamed = chat.stream("anything", tools=[WEATHER])

    error = whole.json()["error"]
    assert (whole.status_code, error["code"]) == (400, "tool_use_failed")
    assert "attempted to call tool 'no_such_tool' which was not in request.tools" in error["message"]
    assert error["failed_generation"] == '{"name": "no_such_tool", "arguments": {"a": 1}}'
    assert streamed.status == 200
    assert streamed.reasoning
    assert streamed.chunks[-1]["error"] == error | {"status_code": 400}


def test_a_cap_that_cuts_a_call_fails(chat: ChatClient) -> None:
    answer = chat.ask(
        "What is the weather in Paris?", tools=[WEATHER], max_completion_tokens=10, reasoning_effort="low"
    )

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "tool_use_failed")


def test_a_chain_of_rounds_ends_in_text(chat: ChatClient) -> None:
    first, second = {"name": "add_numbers", "arguments": {"first": 1, "second": 2}}, {"name": "get_weather"}
    chat.simulator.configure(tool_calls=[[first, second], [second]])
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Go."}]
    rounds = []
    while (choice := chat.ask("", messages=messages, tools=[ADD, WEATHER]).json()["choices"][0])[
        "finish_reason"
    ] == "tool_calls":
        message = choice["message"]
        rounds.append([call["function"]["name"] for call in message["tool_calls"]])
        messages += [message] + [
            {"role": "tool", "tool_call_id": call["id"], "content": "done"} for call in message["tool_calls"]
        ]
    assert rounds == [["add_numbers", "get_weather"], ["get_weather"]]
    assert "done" in choice["message"]["content"]


def test_what_is_ruled_out_is_not_called(chat: ChatClient) -> None:
    chat.simulator.configure(tool_calls=[{"name": "add_numbers"}])
    assert calls_of(chat, "Go.", tools=[ADD], tool_choice="none") == []


def test_an_expression_is_taken_from_the_prompt(chat: ChatClient) -> None:
    nullable = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    calculate = tool("calculate", expression={"type": "string"}, unit=nullable)
    calls = calls_of(chat, "Please calculate (12 + 7) * 3, and be quick.", tools=[calculate])
    assert calls == [("calculate", {"expression": "(12 + 7) * 3"})]
