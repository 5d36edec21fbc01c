"""JSON that fits a schema, made by a small deterministic generator.

Covers what structured outputs allow (https://console.groq.com/docs/structured-outputs) and the usual rest:
types, enum, const, $ref, allOf, anyOf, oneOf, bounds, formats, nested objects and arrays.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

__all__ = ("instance", "json_object", "pointed")

_FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT5M",
    "email": "ada@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "3f2b8c1e-5d0a-4e7b-9c61-2a8d4f6e0b13",
}
_DEEP = 6
"""Levels after which optional properties and items are left out, so that recursive schemas end."""


def json_object(prompt: str) -> str:
    """The answer in plain JSON mode: an object about the prompt."""
    words = re.findall(r"\w+", prompt)
    keywords = sorted({word.lower() for word in words if len(word) > 3})[:5]
    value = {"simulated": True, "prompt": prompt, "words": len(words), "keywords": keywords}
    return json.dumps(value, ensure_ascii=False)


def instance(schema: Mapping[str, Any] | bool, hint: str = "simulated") -> object:
    """A value that fits the schema.

    Args:
        schema: a JSON schema; ``$ref`` may point within it.
        hint: what free strings say.
    """
    root = schema if isinstance(schema, Mapping) else {}
    return _Generator(root, hint).value(schema, "", 0)


def pointed(root: Mapping[str, Any], reference: str) -> Mapping[str, Any] | None:
    """The part of a schema that a ``$ref`` means; ``None`` where it means none."""
    target: Any = root
    for step in reference.removeprefix("#").split("/")[1:]:
        if not isinstance(target, Mapping):
            return None
        target = target.get(step.replace("~1", "/").replace("~0", "~"))
    return target if isinstance(target, Mapping) else None


class _Generator:
    def __init__(self, root: Mapping[str, Any], hint: str) -> None:
        self._root = root
        self._hint = hint

    def value(self, schema: Mapping[str, Any] | bool, name: str, depth: int) -> object:
        if isinstance(schema, bool):
            return self._hint
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][0]
        match _type_of(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "string":
                return self._string(schema, name)
            case "integer":
                return int(_number(schema, whole=True))
            case "number":
                return _number(schema, whole=False)
            case "boolean":
                return True
            case _:
                return None

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """The schema with references followed, ``allOf`` merged and an alternative chosen."""
        merged = dict(schema)
        followed: set[str] = set()  # so that a circle of references ends
        while True:
            reference = merged.pop("$ref", None)
            if reference is not None and reference not in followed:
                followed.add(reference)
                merged = {**(pointed(self._root, reference) or {}), **merged}
            elif parts := merged.pop("allOf", None):
                for part in parts:
                    merged = _both(merged, self._resolved(part))
            elif choices := merged.pop("anyOf", None) or merged.pop("oneOf", None):
                merged = _both(merged, self._resolved(_simplest(choices)))
            else:
                return merged

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        required = schema.get("required", ())
        names = [name for name in properties if depth < _DEEP or name in required]
        value = {name: self.value(properties[name], name, depth + 1) for name in names}
        extra = schema.get("additionalProperties", True)
        for name in required:
            if name not in value:
                value[name] = self.value(extra, name, depth + 1)
        number = 0
        while len(value) < schema.get("minProperties", 0):
            number += 1
            value[f"key{number}"] = self.value(extra, f"key{number}", depth + 1)
        return value

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> list[object]:
        least = schema.get("minItems", 0)
        count = max(least, 0 if depth >= _DEEP else 2)
        count = min(count, schema.get("maxItems", count))
        first = list(schema.get("prefixItems", ()))
        rest = schema.get("items", True)
        if rest is False:
            count = min(max(count, least), len(first))
        items = [self.value(first[i] if i < len(first) else rest, name, depth + 1) for i in range(count)]
        return _made_unique(items) if schema.get("uniqueItems") else items

    def _string(self, schema: Mapping[str, Any], name: str) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        text = self._hint if not name else f"{name}: {self._hint}"
        if "pattern" in schema and not re.search(schema["pattern"], text):
            text = _matching(schema["pattern"])
        least, most = (
            schema.get("minLength", 0),
            schema.get("maxLength", max(len(text), schema.get("minLength", 0))),
        )
        return text.ljust(least, "x")[:most]


def _type_of(schema: Mapping[str, Any]) -> str | None:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is not None:
        return str(kind)
    for keyword, implied in (
        ("properties", "object"),
        ("required", "object"),
        ("additionalProperties", "object"),
        ("items", "array"),
        ("prefixItems", "array"),
        ("minimum", "number"),
        ("maximum", "number"),
    ):
        if keyword in schema:
            return implied
    return "string"


def _simplest(choices: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The first alternative that is not just null and does not refer on, so that recursion ends."""
    real = [choice for choice in choices if choice.get("type") != "null"]
    return next((choice for choice in real if "$ref" not in choice), real[0] if real else choices[0])


def _both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**one, **other}
    if "properties" in one and "properties" in other:
        merged["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        merged["required"] = [*one["required"], *(n for n in other["required"] if n not in one["required"])]
    return merged


def _number(schema: Mapping[str, Any], *, whole: bool) -> float:
    step: float | None = schema.get("multipleOf", 1 if whole else None)
    low: float | None = schema.get("minimum", schema.get("exclusiveMinimum"))
    high: float | None = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is None and high is None:
        return step or 1.5
    if low is not None and step is None:
        return low + 1 if high is None else (low + high) / 2
    if low is not None and step is not None:
        value = math.ceil(low / step) * step
        return value + step if value == schema.get("exclusiveMinimum") else value
    assert high is not None
    if step is None:
        return high - 1
    value = math.floor(high / step) * step
    return value - step if value == schema.get("exclusiveMaximum") else value


def _made_unique(items: list[object]) -> list[object]:
    for index, item in enumerate(items):
        if isinstance(item, str):
            items[index] = f"{item} {index + 1}"
        elif isinstance(item, int | float) and not isinstance(item, bool):
            items[index] = item + index
    seen: list[object] = []
    for item in items:
        if item not in seen:
            seen.append(item)
    return seen


def _matching(pattern: str) -> str:
    """A text for simple patterns: character classes, escapes and counts in sequence."""
    text = ""
    for match in re.finditer(r"(\[[^\]]+\]|\\[dwsS]|\\?.)(\{(\d+)(?:,\d*)?\}|[+*?])?", pattern.strip("^$")):
        unit, count = match[1], match[3]
        times = int(count) if count else 0 if match[2] in {"*", "?"} else 1
        text += _one(unit) * times
    return text


def _one(unit: str) -> str:
    if unit.startswith("[") and not unit.startswith("[^"):
        return unit[2] if unit[1] == "\\" else unit[1]
    return {"\\d": "1", "\\w": "a", "\\s": " ", "\\S": "a", ".": "a"}.get(unit, unit.removeprefix("\\"))
