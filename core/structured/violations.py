"""What is wrong with an answer that was to be JSON, and where."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.chat import JsonSchemaFormat, ResponseFormat
from core.written_json import Step, parse, place_of, pointer_to

if TYPE_CHECKING:
    from jsonschema import SchemaError, ValidationError
    from jsonschema.protocols import Validator

__all__ = ("Violation", "broken_rule", "find_violations", "validator_of")

_MOST = 8
"""Violations worth telling: a model that sees them mends the rest, too."""
_LONGEST = 240
"""Characters of a message, which may quote the value."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule that an answer breaks.

    Attributes:
        message: what is wrong.
        line: where that is in the answer as the model wrote it, from 1.
        column: the same.
        pointer: the value that is wrong, as a JSON pointer (RFC 6901); empty for the whole answer, and
            ``None`` where it is not JSON.
    """

    message: str
    line: int
    column: int
    pointer: str | None = None

    def __str__(self) -> str:
        place = f"line {self.line}, column {self.column}"
        return f"{self.pointer} ({place}): {self.message}" if self.pointer else f"{place}: {self.message}"


def find_violations(text: str, wanted: ResponseFormat) -> tuple[Violation, ...]:
    """Check an answer; the first violations in the order of the text, none where all is well.

    Takes a tenth of a second the first time there is a schema, and time with the size of the answer.
    """
    try:
        value = parse(text)
    except json.JSONDecodeError as error:
        return (Violation(error.msg, error.lineno, error.colno),)
    except ValueError as error:
        return (Violation(str(error), 1, 1),)
    except RecursionError:
        return (Violation("it is nested too deeply", 1, 1),)
    if isinstance(wanted, JsonSchemaFormat):
        return _broken_rules(text, value, wanted.json_schema.schema_)
    if not isinstance(value, dict):
        return (Violation(f"the answer is {_kind(value)}, not an object", *place_of(text, ()), pointer=""),)
    return ()


def validator_of(schema: Mapping[str, Any]) -> type[Validator] | None:
    """The validator of the draft that the schema names, by default the newest; ``None``: an unknown one."""
    from jsonschema.validators import Draft202012Validator, validator_for

    if "$schema" not in schema:
        return Draft202012Validator
    if not isinstance(schema["$schema"], str):
        return None
    found: type[Validator] | None = validator_for(schema, default=None)  # type: ignore[arg-type]  # it may be
    return found


def broken_rule(error: ValidationError | SchemaError) -> tuple[list[Step], str]:
    """Where a rule is broken, and what it says; of alternatives, what those say that went furthest."""
    furthest = max((len(inner.absolute_path) for inner in error.context or ()), default=0)
    closest = [inner for inner in error.context or () if len(inner.absolute_path) == furthest]
    if len({tuple(inner.absolute_path) for inner in closest}) == 1:
        message = ", and ".join(dict.fromkeys(inner.message for inner in closest))
        return list(closest[0].absolute_path), _shortened(message)
    return list(error.absolute_path), _shortened(error.message)


def _shortened(message: str) -> str:
    half = _LONGEST // 2
    return message if len(message) <= _LONGEST else f"{message[:half]} … {message[-half:]}"


def _broken_rules(text: str, value: object, schema: dict[str, Any]) -> tuple[Violation, ...]:
    from referencing import Registry

    kind = validator_of(schema)
    assert kind is not None  # `read_schema` saw to it
    # A registry of its own: by default jsonschema would fetch what a reference names.
    validator = kind(schema, registry=Registry(), format_checker=kind.FORMAT_CHECKER)
    try:
        found = [_violation(text, error) for error in _first(validator.iter_errors(value))]  # type: ignore[arg-type]  # it is JSON
    except (OverflowError, RecursionError) as error:
        return (Violation(f"it cannot be checked: {error}", 1, 1, pointer=""),)
    return tuple(sorted(found, key=lambda violation: (violation.line, violation.column)))


def _first(errors: Iterable[ValidationError]) -> Iterable[ValidationError]:
    return (error for _, error in zip(range(_MOST), errors, strict=False))


def _violation(text: str, error: ValidationError) -> Violation:
    path, message = broken_rule(error)
    line, column = place_of(text, path)
    return Violation(message, line, column, pointer_to(path))


def _kind(value: object) -> str:
    match value:
        case list():
            return "an array"
        case str():
            return "a string"
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
    return "a number"
