"""Whether a schema that came with a request is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.simulator.errors import invalid_request

__all__ = ("check_schema",)


def check_schema(schema: Mapping[str, Any], where: str) -> None:
    """Refuse what the rules of JSON Schema do not allow.

    Raises:
        ApiError: 400.
    """
    from jsonschema import Draft202012Validator, SchemaError  # only where there is a schema

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = ".".join(str(step) for step in error.absolute_path) or "it"
        raise invalid_request(f"invalid JSON schema for {where}: {place}: {error.message[:200]}") from None
