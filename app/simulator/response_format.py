"""``response_format``: JSON mode and JSON schemas, as Groq checks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.simulator.errors import invalid_request
from app.simulator.json_answers import pointed
from app.simulator.messages import text_of
from app.simulator.schema_check import check_schema

__all__ = ("checked_format",)


def checked_format(
    body: Mapping[str, Any], messages: list[dict[str, Any]], *, strict: bool
) -> tuple[bool, dict[str, Any] | None]:
    """Whether JSON is wanted, and the schema it has to fit.

    Raises:
        ApiError: 400.
    """
    wanted = body.get("response_format") or {}
    kind = wanted.get("type", "text") if isinstance(wanted, dict) else None
    if kind == "text":
        return False, None
    if kind == "json_object":
        if strict and not any("json" in text_of(message).lower() for message in messages):
            raise invalid_request(
                "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
                "'json_object'."
            )
        return True, None
    if kind == "json_schema":
        described = wanted.get("json_schema")
        if not isinstance(described, dict) or not isinstance(described.get("schema"), dict):
            raise invalid_request("'response_format.json_schema' : property 'schema' is missing")
        check_schema(described["schema"], "response_format")
        _check_references(described["schema"], described["schema"])
        if strict and described.get("strict"):
            _check_strict_schema(described["schema"], "response_format.json_schema.schema")
        return True, described["schema"]
    raise invalid_request(
        "'response_format.type' : value must be one of 'text', 'json_object', 'json_schema'"
    )


def _check_references(part: object, root: Mapping[str, Any]) -> None:
    """Every ``$ref`` has to point into the schema."""
    if isinstance(part, Mapping):
        reference = part.get("$ref")
        if isinstance(reference, str) and pointed(root, reference) is None:
            raise invalid_request(
                f"invalid JSON schema for response_format: reference '{reference}' cannot be resolved"
            )
    if isinstance(part, Mapping | list):
        for inner in part.values() if isinstance(part, Mapping) else part:
            _check_references(inner, root)


def _check_strict_schema(schema: Mapping[str, Any], where: str) -> None:
    """Strict mode wants every property required and no others (/docs/structured-outputs)."""
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:
            raise invalid_request(
                f"invalid JSON schema for response_format: '{where}': `additionalProperties:false` must be "
                "set on every object"
            )
        if set(schema.get("required", ())) != set(properties):
            raise invalid_request(
                f"invalid JSON schema for response_format: '{where}': `required` is required to be supplied "
                "and to be an array including every key in properties"
            )
        for name, child in properties.items():
            _check_strict_schema(child, f"{where}.properties.{name}")
    if isinstance(schema.get("items"), dict):
        _check_strict_schema(schema["items"], f"{where}.items")
