"""OpenAI's own client calls tools and gets JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from tests.app.gateway.conftest import HELLO, MODEL, Gateway
from tests.app.gateway.sdks.conftest import (
    TWO_CITIES,
    WEATHER,
)


class City(BaseModel):
    name: str
    people: int
    twins: list[str]


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
