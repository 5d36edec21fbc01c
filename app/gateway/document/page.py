"""The document as one page of HTML: no script, nothing from elsewhere, in the colours the reader prefers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

__all__ = ("page",)

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-top: 1px solid var(--line); padding-top: 1.5rem; margin-top: 2.5rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; background: var(--soft); }
code { padding: .1em .3em; } pre { padding: 1rem; overflow-x: auto; }
pre code { padding: 0; background: none; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: .4rem; }
td, th { text-align: left; vertical-align: top; } nav li { list-style: none; } nav ul { padding: 0; }
summary { cursor: pointer; margin: 1rem 0; }
"""
_CODE = re.compile(r"`([^`]+)`")


def page(document: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document as `openapi` makes it."""
    info, url = document["info"], document["servers"][0]["url"]
    served = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if not path.startswith("/openai/")
    ]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style>",
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{_text(info['description'])}</p>",
        "<nav><ul>",
        *(f"<li><a href='#{op['operationId']}'>{_line(method, path)}</a>" for method, path, op in served),
        "</ul></nav>",
        "<p><a href='/openapi.json'>openapi.json</a></p>",
        *_keys(document["components"]["securitySchemes"]),
    ]
    for method, path, operation in served:
        parts += _operation(method, path, operation, url)
    parts.append("<h2>Schemas</h2>")
    for name, schema in document["components"]["schemas"].items():
        parts.append(
            f"<details id='schema-{name}'><summary><code>{name}</code></summary>{_json(schema)}</details>"
        )
    return "\n".join(parts) + "\n"


def _keys(schemes: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Keys</h2><table>"
    for scheme in schemes.values():
        name = scheme.get("name", "Authorization: Bearer")
        yield f"<tr><td><code>{escape(name)}</code><td>{_text(scheme['description'])}"
    yield "</table>"


def _operation(method: str, path: str, operation: Mapping[str, Any], url: str) -> Iterator[str]:
    yield f"<h2 id='{operation['operationId']}'>{_line(method, path)}</h2>"
    yield f"<p><strong>{escape(operation['summary'])}.</strong> {_text(operation.get('description', ''))}</p>"
    yield f"<pre><code>{escape(_curl(method, path, operation, url))}</code></pre>"
    if parameters := operation.get("parameters"):
        yield "<table><tr><th>sent<th>meaning"
        for given in parameters:
            yield f"<tr><td><code>{escape(given['name'])}</code><td>{_text(given['description'])}"
        yield "</table>"
    if body := operation.get("requestBody"):
        yield f"<p>Body: {_schemas(body['content'])}</p>"
    yield "<table><tr><th>status<th>meaning<th>content"
    for status, answer in operation["responses"].items():
        content = _schemas(answer["content"])
        yield f"<tr><td><code>{status}</code><td>{_text(answer['description'])}{_headers(answer)}"
        yield f"<td>{content}"
    yield "</table>"


def _line(method: str, path: str) -> str:
    return f"<code>{method} {escape(path)}</code>"


def _headers(answer: Mapping[str, Any]) -> str:
    if "x-request-id" not in answer.get("headers", {}):  # those of refusals are all the same
        return ""
    rows = [
        f"<li><code>{escape(name)}</code> {_text(header['description'])}"
        for name, header in answer["headers"].items()
    ]
    return f"<ul>{''.join(rows)}</ul>"


def _schemas(content: Mapping[str, Any]) -> str:
    """Kinds of content, with links to what they are made of."""
    told = []
    for kind, given in content.items():
        schema = given["schema"]
        named = [part["$ref"].rpartition("/")[2] for part in schema.get("anyOf", [schema]) if "$ref" in part]
        links = " or ".join(f"<a href='#schema-{name}'>{name}</a>" for name in named)
        told.append(f"<code>{escape(kind)}</code> {links}".strip())
    return "<br>".join(told)


def _curl(method: str, path: str, operation: Mapping[str, Any], url: str) -> str:
    for given in operation.get("parameters", ()):
        if given["in"] == "path":
            path = path.replace(f"{{{given['name']}}}", str(given["example"]))
    verb = "" if method == "GET" else f"-X {method} "
    lines = [f"curl {verb}{url}{path}"]
    if operation.get("security") != []:
        lines.append('-H "X-API-Key: $TENSORWALL_KEY"')
    if example := operation.get("x-curl"):
        lines.append(example)
    return " \\\n  ".join(lines)


def _text(text: str) -> str:
    """Plain text with code between backticks."""
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _json(value: object) -> str:
    return f"<pre><code>{escape(json.dumps(value, indent=2))}</code></pre>"
