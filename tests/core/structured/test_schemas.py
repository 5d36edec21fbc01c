"""Reading a schema: what is refused, with its place, and what is taken."""

from __future__ import annotations

import json

import pytest

from core.errors import InputError
from core.structured import read_schema

DRAFT_7 = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ('{"type": "object",\n "properties": }', "s.json:2:16: not JSON: Expecting value."),
        ("", "s.json:1:1: not JSON: Expecting value."),
        ('["object"]', "s.json:1:1: a schema is one JSON object."),
        ("true", "s.json:1:1: a schema is one JSON object."),
        ('{"minimum": NaN}', "s.json: not JSON: NaN is no JSON value."),
        ('{"type": "objekt"}', "s.json:1:10: /type: 'objekt' is not one of ["),
        (
            '{"properties":\n {"a": {"items": {"type": ["string", "text"]}}}}',
            "s.json:2:38: /properties/a/items/type/1: 'text' is not one of [",
        ),
        ('{"required": "name"}', "s.json:1:14: /required: 'name' is not of type 'array'."),
        ('{"anyOf": [{}, 3]}', "s.json:1:16: /anyOf/1: 3 is not of type 'object', 'boolean'."),
        ('{"properties": []}', "s.json:1:16: /properties: [] is not of type 'object'."),
        ('{"pattern": "("}', "s.json:1:13: /pattern: '(' is not a 'regex'."),
        ('{"$schema": "urn:mine"}', 's.json:1:13: /$schema: "urn:mine" is no draft that is known.'),
        ('{"$schema": 7}', "s.json:1:13: /$schema: 7 is no draft that is known."),
        (
            '{"properties": {"a":\n {"$ref": "other.json#/a"}}}',
            's.json:2:11: /properties/a/$ref: "other.json#/a" refers to something outside of the file.',
        ),
        (
            '{"items": {"$ref": "#/$defs/gone"}}',
            's.json:1:20: /items/$ref: "#/$defs/gone" refers to what is not there.',
        ),
    ],
)
def test_a_bad_schema_names_the_place(schema: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read_schema(schema, "s.json")
    assert caught.value.message.startswith(told)
    assert caught.value.hint


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}},
        {"$schema": DRAFT_7, "$ref": "#/definitions/a", "definitions": {"a": {"type": "string"}}},
        {"$id": "https://example.com/s", "$ref": "b", "$defs": {"b": {"$id": "b", "type": "string"}}},
        {"properties": {"$ref": {"type": "string"}, "children": {"items": {"$ref": "#"}}}},
        {"properties": {"a": {"const": {"$ref": "no reference"}}}},
    ],
)
def test_a_good_schema_goes_as_it_is(schema: dict[str, object]) -> None:
    wanted = read_schema(json.dumps(schema), "s.json")
    assert wanted.json_schema.schema_ == schema
    assert wanted.json_schema.name == "s"


@pytest.mark.parametrize(
    ("title", "file", "name"),
    [
        ("A Person", "s.json", "A_Person"),
        (None, "folder/a person.json", "a_person"),
        (None, "schema", "schema"),
        ("", "ü.json", "_"),
        ("x" * 100, "s.json", "x" * 64),
    ],
)
def test_the_api_is_given_a_name_that_it_takes(title: str | None, file: str, name: str) -> None:
    schema = {} if title is None else {"title": title}
    assert read_schema(json.dumps(schema), file).json_schema.name == name
