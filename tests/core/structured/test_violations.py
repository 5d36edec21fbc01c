"""What is told of an answer that breaks the rules, and where."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chat import JsonObjectFormat, JsonSchema, JsonSchemaFormat
from core.structured import Violation, find_violations
from core.written_json import place_of, pointer_to

PERSON = JsonSchemaFormat(
    json_schema=JsonSchema(
        schema={
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "age": {"type": ["integer", "null"], "minimum": 0},
                "born": {"type": "string", "format": "date"},
                "a/b~c": {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 3}]},
                "friends": {"type": "array", "items": {"$ref": "#"}},
            },
            "required": ["name"],
            "additionalProperties": False,
        }
    )
)


def told(text: str, wanted: JsonObjectFormat | JsonSchemaFormat = PERSON) -> list[str]:
    return [str(violation) for violation in find_violations(text, wanted)]


@pytest.mark.parametrize(
    ("text", "violations"),
    [
        ('{"name": "Ada", "age": 36}', []),
        ('{"name": "Ada", "age": null, "friends": [{"name": "B"}]}', []),
        (
            '{"name": "Ada",\n "age": "old"}',
            ["/age (line 2, column 9): 'old' is not of type 'integer', 'null'"],
        ),
        ("{}", ["line 1, column 1: 'name' is a required property"]),
        (
            '{"name": "A", "friends": [{"name": "B"},\n  {"name": 3}]}',
            ["/friends/1/name (line 2, column 12): 3 is not of type 'string'"],
        ),
        (
            '{"name": "A", "a/b~c": 1}',
            ["/a~1b~0c (line 1, column 24): 1 is not of type 'string', and 1 is less than the minimum of 3"],
        ),
        ('{"name": "A", "born": "today"}', ["/born (line 1, column 23): 'today' is not a 'date'"]),
        ('```json\n{"name": "A"}\n```', ["line 1, column 1: Expecting value"]),
        ("", ["line 1, column 1: Expecting value"]),
        ('{"name": "A"', ["line 1, column 13: Expecting ',' delimiter"]),
        ('{"name": "A", "age": NaN}', ["line 1, column 1: NaN is no JSON value"]),
        ('{"name": "A", "age": 1e999}', ["line 1, column 1: the number 1e999 is too large"]),
        (f'{{"name": "A", "age": {"9" * 5_000}}}', ["line 1, column 1: a number has 5000 digits"]),
        ("[" * 100_000, ["line 1, column 1: it is nested too deeply"]),
    ],
)
def test_each_violation_names_its_place(text: str, violations: list[str]) -> None:
    assert told(text) == violations


def test_violations_come_in_the_order_of_the_text_and_not_without_end() -> None:
    text = json.dumps({"born": 1, "age": -1, "name": 2}, indent=1)
    assert [line.split()[0] for line in told(text)] == ["/born", "/age", "/name"]
    many = json.dumps({"name": "A", "friends": [{"name": number} for number in range(100)]})
    assert 1 < len(told(many)) < 20


def test_a_message_that_quotes_a_large_value_is_cut() -> None:
    (violation,) = find_violations(json.dumps({"name": ["x" * 10_000]}), PERSON)
    assert len(violation.message) < 300
    assert violation.message.endswith("is not of type 'string'")


@pytest.mark.parametrize(
    ("text", "kind"),
    [("[1]", "an array"), ('"{}"', "a string"), ("1", "a number"), ("null", "null"), ("true", "true")],
)
def test_json_mode_wants_an_object(text: str, kind: str) -> None:
    assert told(text, JsonObjectFormat()) == [f"line 1, column 1: the answer is {kind}, not an object"]
    assert told(' {"a": 1}\n', JsonObjectFormat()) == []


def test_the_draft_that_the_schema_names_counts() -> None:
    tuple_of_two = {"$schema": "http://json-schema.org/draft-07/schema#", "items": [{}, {"type": "string"}]}
    old = JsonSchemaFormat(json_schema=JsonSchema(schema=tuple_of_two))
    assert find_violations("[1, 2]", old) == (Violation("2 is not of type 'string'", 1, 5, "/1"),)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=12,
    ),
    st.sampled_from([None, 2]),
)
def test_places_are_those_of_the_values(value: object, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    lines = text.split("\n")

    def check(part: object, path: list[str | int]) -> None:
        line, column = place_of(text, path)
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        assert json.JSONDecoder().raw_decode(rest)[0] == part, pointer_to(path)
        if isinstance(part, list | dict):
            for step, inner in enumerate(part) if isinstance(part, list) else part.items():
                check(inner, [*path, step])

    check(value, [])
