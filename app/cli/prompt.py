"""The question of a one-shot call: the argument, what stdin holds, and the files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.attachments import LARGEST_IMAGE, decode_text, fenced, image_part, read_file
from app.cli.terminal import is_terminal
from core.errors import InputError

if TYPE_CHECKING:
    from core.chat import ImagePart, JsonSchemaFormat, Message

__all__ = ("question", "read_schema", "read_stdin")


def read_stdin() -> bytes:
    """All of stdin where it is not a terminal; reads no more than can be sent.

    Raises:
        InputError: it holds more than that.
    """
    if sys.stdin is None or is_terminal(sys.stdin):
        return b""
    data = sys.stdin.buffer.read(LARGEST_IMAGE + 1)
    if len(data) > LARGEST_IMAGE:
        raise InputError("stdin holds more than 4.0 MB.", hint="Send the part that matters.")
    return data


def question(prompt: str | None, stdin: bytes, files: Iterable[Path]) -> Message | None:
    """The user's message, or ``None`` where there is nothing to ask.

    Raises:
        InputError: a file or stdin is too large, or neither text nor an image.
    """
    from core.chat import Message, TextPart

    texts = [prompt.strip()] if prompt and prompt.strip() else []
    images: list[ImagePart] = []
    if stdin:
        if image := image_part(stdin):
            images.append(image)
        elif text := decode_text("stdin", stdin).rstrip():
            texts.append(text)
    for path in files:
        data = read_file(path)
        if image := image_part(data):
            images.append(image)
        else:
            texts.append(fenced(str(path), decode_text(str(path), data)))
    if not texts and not images:
        return None
    whole = "\n\n".join(texts)
    if not images:
        return Message(role="user", content=whole)
    return Message(role="user", content=[*([TextPart(text=whole)] if whole else []), *images])


def read_schema(path: Path) -> JsonSchemaFormat:
    """The response format that asks for JSON that fits the schema in ``path``.

    Raises:
        InputError: it is not a JSON schema; names the place.
    """
    from core.chat import JsonSchema, JsonSchemaFormat

    text = decode_text(str(path), read_file(path))
    try:
        schema: Any = json.loads(text)
    except ValueError as error:
        place = f":{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        raise InputError(f"{path}{place}: not JSON: {what}.", hint="A schema is one JSON object.") from None
    if problem := schema_problem(schema):
        raise InputError(f"{path}: {problem}.", hint="See https://json-schema.org/learn.")
    return JsonSchemaFormat(json_schema=JsonSchema(name=_schema_name(schema, path), schema=schema))


_TYPES = {"null", "boolean", "object", "array", "number", "integer", "string"}


def schema_problem(schema: object, place: str = "$") -> str | None:
    """What is wrong with a schema and where, or ``None``: the mistakes that providers refuse."""
    if isinstance(schema, bool) and place != "$":
        return None
    if not isinstance(schema, dict):
        return f"{place} is not an object"
    kinds = schema.get("type", [])
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if not isinstance(kind, str) or kind not in _TYPES:
            return f"{place}.type: {json.dumps(kind)} is not a JSON type"
    required = schema.get("required", [])
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        return f"{place}.required is not a list of names"
    if not isinstance(schema.get("enum", []), list):
        return f"{place}.enum is not a list"
    for path, inner in _inner_schemas(schema, place):
        if problem := schema_problem(inner, path):
            return problem
    return None


def _inner_schemas(schema: dict[str, Any], place: str) -> Iterable[tuple[str, object]]:
    for keyword in ("properties", "$defs", "definitions"):
        named = schema.get(keyword, {})
        if not isinstance(named, dict):
            yield f"{place}.{keyword}", None
            continue
        yield from ((f"{place}.{keyword}.{name}", inner) for name, inner in named.items())
    for keyword in ("items", "additionalProperties", "not"):
        if keyword in schema:
            yield f"{place}.{keyword}", schema[keyword]
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        branches = schema.get(keyword, [])
        if not isinstance(branches, list):
            yield f"{place}.{keyword}", None
            continue
        yield from ((f"{place}.{keyword}[{index}]", inner) for index, inner in enumerate(branches))


def _schema_name(schema: dict[str, Any], path: Path) -> str:
    """A name the API takes (letters, digits, ``_`` and ``-``): the schema's title, or the file's name."""
    name = str(schema.get("title") or path.stem)
    return "".join(char if char.isascii() and (char.isalnum() or char in "_-") else "_" for char in name)[:64]
