"""An answer out of what a provider refused: it says what the model wrote, and that is often good.

Groq refuses a tool call that is not written as its parser wants it (``tool_use_failed``) and JSON that does
not parse or fit (``json_validate_failed``), each with ``failed_generation``. The forms of calls are those
that models were seen to write there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import uuid4

from core.chat import (
    ChatRequest,
    ChatResponse,
    FunctionCall,
    JsonObjectFormat,
    JsonSchemaFormat,
    ResponseFormat,
    ToolCall,
    ToolDefinition,
)
from core.errors import InputError, OutputInvalid, ToolCallInvalid
from core.structured import find_violations, read_schema
from core.written_json import mended, parse

__all__ = ("salvaged", "written_calls")

# <function=name{...}</function>, <function=name>{...}, <function(name){...}, <function/name>{...}, and
# gpt-oss's own: <|channel|>commentary to=functions.name <|constrain|>json<|message|>{...}<|call|>
_NAMED = re.compile(r"(?:<\|?function[=(/:]|\bto=)\s*\"?(?:functions\.)?(?P<name>[\w-]+(?:\.[\w-]+)*)")
_END = "</function"
_MARK = re.compile(r"</?\|?tool_calls?\|?>")  # Hermes and Qwen
_ARGUMENTS = ("arguments", "parameters", "args", "input")


def salvaged(
    error: ToolCallInvalid | OutputInvalid, request: ChatRequest, *, passed_on: str = ""
) -> ChatResponse | None:
    """The answer that a refusal holds, or ``None`` where it holds none that is what was asked for.

    The first time there is a schema it takes a tenth of a second.

    Args:
        error: the refusal.
        request: what was asked.
        passed_on: the text of the answer that has arrived already; it is not in the result once more.
    """
    written = error.failed_generation or ""
    if isinstance(error, ToolCallInvalid):
        calls = _usable_calls(written, request)
        return _answer(error, calls=calls) if calls else None
    text = _usable_json(written, request.response_format)
    if text is None or not text.startswith(passed_on):
        return None
    return _answer(error, text=text[len(passed_on) :])


def written_calls(written: str) -> list[tuple[str, str]]:
    """The calls in what a model wrote: names, and arguments as JSON text; empty where one is not whole."""
    named = [*_NAMED.finditer(written)]
    if named:
        ends = [*(match.start() for match in named[1:]), len(written)]
        parts = ((match["name"], written[match.end() : end]) for match, end in zip(named, ends, strict=True))
        return _all_whole((name, _arguments_in(part)) for name, part in parts)
    calls: list[tuple[str, str | None]] = []
    for part in _MARK.split(written):
        text = mended(part)
        if text is not None:
            calls += _calls_of(parse(text))
        elif "{" in part:
            return []
    return _all_whole(calls)


def _all_whole(calls: Iterable[tuple[str, str | None]]) -> list[tuple[str, str]]:
    found = [*calls]
    whole = [(name, arguments) for name, arguments in found if arguments is not None]
    return whole if len(whole) == len(found) else []


def _arguments_in(part: str) -> str | None:
    """The arguments after a name; a call without any has none written."""
    part = part.partition(_END)[0]
    return mended(part) if "{" in part else "{}"


def _calls_of(value: object) -> Iterator[tuple[str, str | None]]:
    """The calls in a JSON value: one, a list of them, or either within OpenAI's own wrappers."""
    if isinstance(value, list):
        for item in value:
            yield from _calls_of(item)
    if not isinstance(value, dict):
        return
    if "tool_calls" in value:
        yield from _calls_of(value["tool_calls"])
        return
    inner = value.get("function")
    named = {**value, **inner} if isinstance(inner, dict) else value
    name = named.get("name", inner)
    if isinstance(name, str):
        yield name.removeprefix("functions."), _as_text(_given(named))


def _given(call: dict[str, Any]) -> object:
    return next((call[key] for key in _ARGUMENTS if key in call), {})


def _as_text(arguments: object) -> str | None:
    if isinstance(arguments, str):
        return mended(arguments)
    return json.dumps(arguments, ensure_ascii=False) if isinstance(arguments, dict) else None


def _usable_calls(written: str, request: ChatRequest) -> list[ToolCall]:
    """The calls, where each is one of a tool that is offered, with arguments it takes."""
    asked = (request.relayed or {}).get("tool_choice", request.tool_choice)
    if asked == "none":
        return []
    tools = {tool.function.name: tool for tool in request.tools or ()}
    calls = written_calls(written)
    if not all(name in tools and _fits(arguments, tools[name]) for name, arguments in calls):
        return []
    return [
        ToolCall(id=f"call_{uuid4().hex[:24]}", function=FunctionCall(name=name, arguments=arguments))
        for name, arguments in calls
    ]


def _fits(arguments: str, tool: ToolDefinition) -> bool:
    return not _violates(arguments, tool.function.parameters)


def _violates(text: str, schema: dict[str, Any] | None) -> bool:
    """Whether a text is not an object that fits; nothing is known to fit a schema that cannot be read."""
    wanted: ResponseFormat = JsonObjectFormat()
    if schema:
        try:
            wanted = read_schema(json.dumps(schema), "schema")
        except InputError:
            return True
    return bool(find_violations(text, wanted))


def _usable_json(written: str, wanted: ResponseFormat | None) -> str | None:
    text = mended(written)
    if text is None or wanted is None:
        return None
    schema = wanted.json_schema.schema_ if isinstance(wanted, JsonSchemaFormat) else None
    return None if _violates(text, schema) else text


def _answer(
    error: ToolCallInvalid | OutputInvalid, *, text: str = "", calls: Sequence[ToolCall] = ()
) -> ChatResponse:
    return ChatResponse(
        text=text,
        provider=error.provider,
        model="",
        finish_reason="tool_calls" if calls else "stop",
        tool_calls=[*calls],
    )
