"""Reading a JSON schema from a file's text, and refusing what could not be used later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.chat import JsonSchema, JsonSchemaFormat
from core.errors import InputError
from core.structured.violations import broken_rule, validator_of
from core.written_json import Step, parse, place_of, pointer_to

if TYPE_CHECKING:
    from referencing import Specification
    from referencing._core import Resolver  # it has no public name

__all__ = ("read_schema",)

_HINT = "See https://json-schema.org/learn."
_DATA = frozenset({"const", "default", "enum", "examples"})
"""Keywords whose value is no schema."""
_NAMES = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})
"""Keywords whose value holds schemas by names of the user's own."""
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def read_schema(text: str, name: str) -> JsonSchemaFormat:
    """The response format that asks for JSON that fits a schema.

    Imports jsonschema, for a tenth of a second.

    Args:
        text: the schema, of the draft that ``$schema`` names, by default 2020-12.
        name: of its file, for errors and where the schema has no title.

    Raises:
        InputError: it is not JSON, not a schema, or refers to what is not in it; names the place.
    """
    schema = _object(text, name)
    kind = validator_of(schema)
    if kind is None:
        raise _error(text, name, ["$schema"], f"{json.dumps(schema['$schema'])} is no draft that is known")
    from jsonschema import SchemaError

    try:
        kind.check_schema(schema)
    except SchemaError as error:
        raise _error(text, name, *broken_rule(error)) from None
    except RecursionError:
        raise InputError(f"{name}: it is nested too deeply.", hint=_HINT) from None
    for path, reference in _dangling(schema, str(kind.META_SCHEMA["$schema"])):
        local = reference.startswith("#")
        problem = "refers to what is not there" if local else "refers to something outside of the file"
        raise _error(text, name, path, f"{json.dumps(reference)} {problem}")
    return JsonSchemaFormat(json_schema=JsonSchema(name=_api_name(schema, name), schema=schema))


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        schema: Any = parse(text)
    except json.JSONDecodeError as error:
        message = f"{name}:{error.lineno}:{error.colno}: not JSON: {error.msg}."
        raise InputError(message, hint="A schema is one JSON object.") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: not JSON: {error}.", hint="A schema is one JSON object.") from None
    if not isinstance(schema, dict):
        raise _error(text, name, [], "a schema is one JSON object")
    return schema


def _error(text: str, name: str, path: list[Step], problem: str) -> InputError:
    line, column = place_of(text, path)
    pointer = pointer_to(path)
    where = f"{name}:{line}:{column}: " + (f"{pointer}: " if pointer else "")
    return InputError(f"{where}{problem}.", hint=_HINT)


def _dangling(schema: dict[str, Any], draft: str) -> Iterator[tuple[list[Step], str]]:
    """The references that cannot be resolved within the schema, and where they stand."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    specification = specification_with(draft)
    root = specification.create_resource(schema)
    resolver: Resolver[Any] = Registry().resolver_with_root(root)
    for path, scope, reference in _references(schema, [], resolver, specification):
        try:
            scope.lookup(reference)
        except Unresolvable:
            yield path, reference


def _references(
    part: object, path: list[Step], resolver: Resolver[Any], draft: Specification[Any]
) -> Iterator[tuple[list[Step], Resolver[Any], str]]:
    """Every reference with where it stands and what resolves it there."""
    if isinstance(part, list):
        for index, item in enumerate(part):
            yield from _references(item, [*path, index], resolver, draft)
    if not isinstance(part, dict):
        return
    if path and "$id" in part:
        resolver = resolver.in_subresource(draft.create_resource(part))
    for keyword, value in part.items():
        if keyword in _REFERENCES and isinstance(value, str):
            yield [*path, keyword], resolver, value
        elif keyword in _NAMES and isinstance(value, dict):
            for name, inner_schema in value.items():
                yield from _references(inner_schema, [*path, keyword, name], resolver, draft)
        elif keyword not in _DATA:
            yield from _references(value, [*path, keyword], resolver, draft)


def _api_name(schema: dict[str, Any], name: str) -> str:
    """A name the API takes (letters, digits, ``_`` and ``-``): the schema's title, or the file's name."""
    stem = name.rpartition("/")[2].removesuffix(".json")
    title = str(schema.get("title") or stem or "answer")
    return "".join(char if char.isascii() and (char.isalnum() or char in "_-") else "_" for char in title)[
        :64
    ]
