"""JSON mode and JSON schemas."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.simulator.json_answers import instance
from tests.app.simulator.chat_client import ChatClient

KINDS = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


def fits(value: Any, schema: Any) -> bool:
    """A validator of the keywords used here."""
    if "enum" in schema:
        return value in schema["enum"]
    if "const" in schema:
        return bool(value == schema["const"])
    if "anyOf" in schema:
        return any(fits(value, choice) for choice in schema["anyOf"])
    kind = schema["type"]
    if kind == "object":
        properties = schema.get("properties", {})
        return (
            isinstance(value, dict)
            and set(schema.get("required", ())) <= set(value)
            and (schema.get("additionalProperties", True) or set(value) <= set(properties))
            and all(fits(value[name], child) for name, child in properties.items() if name in value)
        )
    if kind == "array":
        low, high = schema.get("minItems", 0), schema.get("maxItems", 10**9)
        return (
            isinstance(value, list)
            and low <= len(value) <= high
            and all(fits(v, schema["items"]) for v in value)
        )
    if isinstance(value, bool) != (kind == "boolean") or not isinstance(value, KINDS[kind]):
        return False
    if kind == "string":
        return schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9)
    if kind in {"integer", "number"}:
        step = schema.get("multipleOf")
        return (
            schema.get("minimum", -1e9) <= value <= schema.get("maximum", 1e9)
            and schema.get("exclusiveMinimum", -1e9) < value < schema.get("exclusiveMaximum", 1e9)
            and (step is None or value % step == 0)
        )
    return True


def bounded(low: str, high: str, least: int, most: int) -> st.SearchStrategy[dict[str, int]]:
    pairs = st.tuples(st.integers(least, most), st.integers(0, 40))
    return st.one_of(
        st.just({}),
        pairs.map(lambda pair: {low: pair[0]}),
        pairs.map(lambda pair: {high: pair[0] + pair[1]}),
        pairs.map(lambda pair: {low: pair[0], high: pair[0] + pair[1]}),
    )


LEAVES = st.one_of(
    bounded("minLength", "maxLength", 0, 50).map(lambda b: {"type": "string", **b}),
    bounded("minimum", "maximum", -100, 100).map(lambda b: {"type": "integer", **b}),
    bounded("minimum", "maximum", -100, 100).map(lambda b: {"type": "number", **b}),
    st.integers(-50, 50).map(lambda n: {"type": "integer", "exclusiveMinimum": n, "multipleOf": 5}),
    st.integers(-50, 50).map(lambda n: {"type": "number", "exclusiveMaximum": n}),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"enum": ["a", 2]}, {"const": {"k": [1]}}]),
)


def nested(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    arrays = st.builds(
        lambda items, b: {"type": "array", "items": items, **b},
        children,
        bounded("minItems", "maxItems", 0, 4),
    )
    names = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), children, max_size=4)
    shaped = st.builds(
        lambda properties, closed: {
            "type": "object",
            "properties": properties,
            "required": sorted(properties),
            "additionalProperties": not closed,
        },
        names,
        st.booleans(),
    )
    return st.one_of(arrays, shaped, st.builds(lambda one: {"anyOf": [{"type": "null"}, one]}, children))


@given(st.recursive(LEAVES, nested, max_leaves=12))
def test_an_instance_fits_its_schema(schema: dict[str, Any]) -> None:
    value = instance(schema)

    assert fits(value, schema)
    assert json.loads(json.dumps(value)) == value


def test_references_are_followed_and_recursion_ends() -> None:
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
                },
            }
        },
    }

    value = instance(tree)

    assert isinstance(value, dict)
    assert value["children"][0]["children"][0]["name"]


def test_all_of_is_merged() -> None:
    parts = [
        {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]},
        {"properties": {"b": {"const": 2}}, "required": ["b"]},
    ]

    assert instance({"allOf": parts}) == {"a": 1, "b": 2}


@pytest.mark.parametrize("pattern", [r"^\d{4}-\d{2}$", r"^[A-Z]{3}$", r"^#[0-9a-f]{6}$", r"a+b?"])
def test_simple_patterns_are_met(pattern: str) -> None:
    assert re.search(pattern, str(instance({"type": "string", "pattern": pattern})))


def test_json_mode_answers_an_object(chat: ChatClient) -> None:
    prompt = 'Reply in JSON, with "quotes" and \\ in it'
    fields = {"response_format": {"type": "json_object"}, "include_reasoning": False}

    whole = json.loads(chat.ask(prompt, **fields).json()["choices"][0]["message"]["content"])
    streamed = json.loads(chat.stream(prompt, **fields).text)

    assert whole == streamed
    assert whole["prompt"] == prompt
    assert whole["simulated"] is True


def test_a_schema_is_answered_by_an_instance(chat: ChatClient) -> None:
    schema = {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "degrees": {"type": "integer", "minimum": -50, "maximum": 60},
        },
        "required": ["city", "degrees"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "strict": True, "schema": schema}}

    answer = chat.ask("Paris", response_format=wanted).json()

    assert fits(json.loads(answer["choices"][0]["message"]["content"]), schema)


def test_a_cap_that_cuts_json_fails_the_validation(chat: ChatClient) -> None:
    fields = {
        "response_format": {"type": "json_object"},
        "max_completion_tokens": 40,
        "reasoning_effort": "low",
    }
    prompt = "json " * 40

    answer = chat.ask(prompt, **fields)
    streamed = chat.stream(prompt, **fields)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "json_validate_failed")
    assert error["failed_generation"].startswith('{"simulated": true')
    assert b"event: error\n" in streamed.raw
    assert streamed.chunks[-1]["error"] == error | {"status_code": 400}
    assert streamed.text == ""


def test_a_reference_that_leads_nowhere_is_refused_and_one_in_a_circle_ends(chat: ChatClient) -> None:
    def wanted(reference: str) -> dict[str, Any]:
        schema = {"properties": {"a": {"$ref": reference}}, "required": ["a"], "type": "object"}
        return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    refused = chat.ask("Paris", response_format=wanted("#/$defs/nope"))
    assert refused.status_code == 400
    assert "'#/$defs/nope' cannot be resolved" in refused.json()["error"]["message"]
    assert chat.ask("Paris", response_format=wanted("#/properties/a")).status_code == 200
