"""What a provider refused and can be used: the calls and the JSON that the model wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat import (
    ChatRequest,
    FunctionTool,
    JsonObjectFormat,
    JsonSchema,
    JsonSchemaFormat,
    Message,
    ToolDefinition,
)
from core.errors import OutputInvalid, ToolCallInvalid
from core.providers.salvage import salvaged, written_calls

PLACE = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOLS = [
    ToolDefinition(function=FunctionTool(name="get_weather", parameters=PLACE)),
    ToolDefinition(function=FunctionTool(name="now")),
]
PARIS = '{"city": "Paris"}'


def asking(**fields: object) -> ChatRequest:
    return ChatRequest(model="m", messages=[Message(role="user", content="Weather?")], **fields)


def refused_call(written: str | None, **fields: object) -> list[tuple[str, str]] | None:
    error = ToolCallInvalid("No.")
    error.failed_generation = written
    answer = salvaged(error, asking(**{"tools": TOOLS, **fields}))
    if answer is None:
        return None
    assert answer.finish_reason == "tool_calls"
    assert len({call.id for call in answer.tool_calls}) == len(answer.tool_calls)
    return [(call.function.name, call.function.arguments) for call in answer.tool_calls]


def refused_json(written: str, *, passed_on: str = "", **fields: object) -> str | None:
    error = OutputInvalid("No.")
    error.failed_generation = written
    answer = salvaged(error, asking(**fields), passed_on=passed_on)
    return answer.text if answer else None


@pytest.mark.parametrize(
    "written",
    [
        f"<function=get_weather{PARIS}</function>",
        f"<function=get_weather>{PARIS}</function>",
        f"<function=get_weather({PARIS})</function>",
        f"<function(get_weather){PARIS}</function>",
        f"<function/get_weather>{PARIS}",
        '<function=get_weather{"city": "Paris"',
        '<function=get_weather{"city": "Paris"</function>',
        f"<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{PARIS}<|call|>",
        f'{{"name": "get_weather", "arguments": {PARIS}}}',
        f'{{"name": "get_weather", "parameters": {PARIS}}}',
        f'[{{"name": "functions.get_weather", "arguments": {json.dumps(PARIS)}}}]',
        f'<tool_call>\n{{"name": "get_weather", "arguments": {PARIS}}}\n</tool_call>',
        f'{{"tool_calls": [{{"id": "pending", "type": "function", "function": {{"name": "get_weather"}},'
        f' "parameters": {PARIS}}}]}}',
        f'{{"type": "function", "function": "get_weather", "arguments": {PARIS}}}',
        f'I will look.\n```json\n{{"name": "get_weather", "arguments": {PARIS},}}\n```',
    ],
)
def test_every_form_of_a_call_is_read(written: str) -> None:
    assert refused_call(written) == [("get_weather", PARIS)]


@pytest.mark.parametrize(
    "written",
    [
        f"<function=get_weather>{PARIS}</function><function=now></function>",
        f'<tool_call>{{"name": "get_weather", "arguments": {PARIS}}}</tool_call>'
        '<tool_call>{"name": "now"}</tool_call>',
        f'[{{"name": "get_weather", "arguments": {PARIS}}}, {{"name": "now", "arguments": {{}}}}]',
    ],
)
def test_several_calls_are_read_in_their_order(written: str) -> None:
    assert refused_call(written) == [("get_weather", PARIS), ("now", "{}")]


@pytest.mark.parametrize(
    "written",
    [
        None,
        "",
        "I cannot do that.",
        f"<function=get_wether>{PARIS}</function>",
        '<function=get_weather>{"town": "Paris"}</function>',
        '<function=get_weather>{"city": 4}</function>',
        "<function=get_weather></function>",
        '<function=get_weather>{"city": "Par',
        f'<function=get_weather>{PARIS}</function><function=now>{{"a": </function>',
        f'<tool_call>{{"name": "get_weather", "arguments": {PARIS}}}</tool_call>'
        '<tool_call>{"name": </tool_call>',
        '{"name": "get_weather", "arguments": ["Paris"]}',
        '{"city": "Paris"}',
    ],
)
def test_a_call_that_is_not_whole_or_not_offered_is_not_guessed(written: str | None) -> None:
    assert refused_call(written) is None


def test_no_call_is_made_where_none_may_be() -> None:
    written = f"<function=get_weather>{PARIS}</function>"
    assert refused_call(written, tool_choice="none") is None
    assert refused_call(written, relayed={"tool_choice": "none"}) is None
    assert refused_call(written, tools=None) is None


@pytest.mark.parametrize(
    "schema", [{"type": "nonsense"}, {"$ref": "https://example.org/x"}, {"$schema": "x"}]
)
def test_nothing_fits_a_schema_that_cannot_be_read(schema: dict[str, str]) -> None:
    tool = ToolDefinition(function=FunctionTool(name="get_weather", parameters=schema))
    assert refused_call(f"<function=get_weather>{PARIS}</function>", tools=[tool]) is None


def test_json_that_is_what_was_asked_for_is_used() -> None:
    any_object = JsonObjectFormat()
    place = JsonSchemaFormat(json_schema=JsonSchema(name="place", schema=PLACE))
    assert refused_json(f"Here:\n```json\n{PARIS}\n```", response_format=any_object) == PARIS
    assert refused_json('{"city": "Paris",}', response_format=place) == PARIS
    assert refused_json('{"town": "Paris"}', response_format=place) is None
    assert refused_json("[1]", response_format=any_object) is None
    assert refused_json('{"city": "Par', response_format=any_object) is None
    assert refused_json(PARIS) is None


def test_what_has_been_passed_on_is_gone_on_from() -> None:
    asked = JsonObjectFormat()
    assert refused_json('{"city": "Paris"', passed_on='{"city": "Paris"', response_format=asked) == "}"
    assert refused_json('{"city": "Paris"}', passed_on='Sure: {"city"', response_format=asked) is None


@given(written=st.text(max_size=80) | st.text('<function=now>{}[]":,/|to ', max_size=60))
def test_any_text_is_taken(written: str) -> None:
    for name, arguments in written_calls(written):
        assert name
        assert isinstance(json.loads(arguments), dict | list)
