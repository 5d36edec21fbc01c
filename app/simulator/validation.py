"""What Groq refuses in a chat request, checked in its order and said in its words.

Sources: https://console.groq.com/docs/openai, /docs/reasoning, /docs/structured-outputs, /docs/tool-use and
error texts recorded by users of the API.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.simulator.errors import invalid_request
from app.simulator.messages import checked_messages, text_of
from app.simulator.models import SimulatedModel
from app.simulator.response_format import checked_format
from app.simulator.schema_check import check_schema

__all__ = ("ChatCall", "read_call")

_REFUSED = ("logprobs", "logit_bias", "top_logprobs")
_KNOWN = frozenset(
    {
        "citation_options",
        "compound_custom",
        "disable_tool_validation",
        "documents",
        "exclude_domains",
        "frequency_penalty",
        "function_call",
        "functions",
        "include_domains",
        "include_reasoning",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "reasoning_effort",
        "reasoning_format",
        "response_format",
        "search_settings",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    }
)
_TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MAX_TOOLS = 128
_MAX_STOPS = 4


@dataclass(frozen=True, slots=True)
class ChatCall:
    """A chat request that passed the checks, with defaults filled in."""

    model: SimulatedModel
    messages: list[dict[str, Any]]
    stream: bool = False
    include_usage: bool = False
    max_tokens: int | None = None
    stop: list[str] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    tool_choice: str = "auto"
    """``none``, ``auto``, ``required``, or ``function:NAME``."""
    parallel_tool_calls: bool = True
    wants_json: bool = False
    schema: dict[str, Any] | None = None
    reasoning_effort: str = "none"
    reasoning_shown: bool = False
    """Whether reasoning is sent in a field of its own."""
    reasoning_inline: bool = False
    """Whether reasoning is sent within the content, as ``<think>``."""
    seed: int | None = None
    service_tier: str = "on_demand"

    @property
    def tool_names(self) -> list[str]:
        """Names of the functions offered."""
        return [tool["function"]["name"] for tool in self.tools]

    @property
    def instructions(self) -> str:
        """The text of the system and developer messages."""
        return "\n".join(text_of(m) for m in self.messages if m["role"] in {"system", "developer"})

    @property
    def prompt(self) -> str:
        """The text of the last user message."""
        for message in reversed(self.messages):
            if message["role"] == "user":
                return text_of(message)
        return ""


def read_call(body: Mapping[str, Any], model: SimulatedModel, *, strict: bool) -> ChatCall:
    """Check a chat request.

    Args:
        body: the JSON object received.
        model: the model it names.
        strict: refuse what only Groq refuses; a generic OpenAI-compatible server lets it pass.

    Raises:
        ApiError: 400, as Groq would word it.
    """
    if strict:
        _check_fields(body)
    _check_kind(model)
    messages = checked_messages(body, model, strict=strict)
    _number(body, "temperature", 0, 2)
    _number(body, "top_p", 0, 1)
    tools = _tools(body)
    stream = bool(body.get("stream"))
    wants_json, schema = checked_format(body, messages, strict=strict)
    if strict and schema is not None and (stream or tools):
        other = "streaming" if stream else "tool use"
        raise invalid_request(f"Structured outputs with `json_schema` are not supported with {other}")
    if strict and wants_json and schema is None and tools:
        raise invalid_request("json mode cannot be combined with tool/function calling")
    effort = _effort(body, model, strict=strict)
    shown, inline = _reasoning(body, model, plain=not (wants_json or tools), strict=strict)
    thinks = effort != "none"
    return ChatCall(
        model=model,
        messages=messages,
        stream=stream,
        include_usage=_include_usage(body),
        max_tokens=_max_tokens(body, model),
        stop=_stop(body),
        tools=tools,
        tool_choice=_tool_choice(body, tools),
        parallel_tool_calls=body.get("parallel_tool_calls") is not False,
        wants_json=wants_json,
        schema=schema,
        reasoning_effort=effort,
        reasoning_shown=thinks and shown,
        reasoning_inline=thinks and inline,
        seed=_seed(body),
        service_tier=_service_tier(body),
    )


def _check_fields(body: Mapping[str, Any]) -> None:
    for name in _REFUSED:
        if body.get(name):
            raise invalid_request(f"`{name}` is not supported")
    if body.get("n") not in (None, 1):
        raise invalid_request("'n' : number must be at most 1")
    for name in body:
        if name not in _KNOWN and name not in _REFUSED:
            raise invalid_request(f"property '{name}' is unsupported")


def _check_kind(model: SimulatedModel) -> None:
    if model.kind in {"transcription", "speech"}:
        raise invalid_request(f"The model `{model.id}` does not support chat completions")


def _number(body: Mapping[str, Any], name: str, low: float, high: float) -> None:
    value = body.get(name)
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid_request(f"'{name}' : value must be a number")
    if value < low:
        raise invalid_request(f"'{name}' : number must be at least {low}")
    if value > high:
        raise invalid_request(f"'{name}' : number must be at most {high}")


def _include_usage(body: Mapping[str, Any]) -> bool:
    options = body.get("stream_options") or {}
    if not isinstance(options, dict):
        raise invalid_request("'stream_options' : value must be an object")
    return bool(options.get("include_usage"))


def _seed(body: Mapping[str, Any]) -> int | None:
    seed = body.get("seed")
    if seed is not None and type(seed) is not int:
        raise invalid_request("'seed' : value must be an integer")
    return seed


def _max_tokens(body: Mapping[str, Any], model: SimulatedModel) -> int | None:
    name = "max_completion_tokens" if body.get("max_completion_tokens") is not None else "max_tokens"
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid_request(f"'{name}' : value must be an integer")
    if not 1 <= value <= model.max_completion_tokens:
        raise invalid_request(f"`{name}` must be {_bound(value, name, model)}", param=name)
    return value


def _bound(value: int, name: str, model: SimulatedModel) -> str:
    if value < 1:
        return "greater than or equal to `1`"
    return (
        f"less than or equal to `{model.max_completion_tokens}`, the maximum value for `{name}` is less than "
        "the `context_window` for this model"
    )


def _stop(body: Mapping[str, Any]) -> list[str]:
    value = body.get("stop")
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise invalid_request("'stop' : value must be a string or an array of strings")
    if len(stops) > _MAX_STOPS:
        raise invalid_request(f"'stop' : maximum number of items is {_MAX_STOPS}")
    return [stop for stop in stops if stop]


def _tools(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    tools = body.get("tools") or []
    if not isinstance(tools, list):
        raise invalid_request("'tools' : value must be an array")
    if len(tools) > _MAX_TOOLS:
        raise invalid_request(f"'tools' : maximum number of items is {_MAX_TOOLS}")
    for index, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if not isinstance(function, dict) or not isinstance(name, str) or not _TOOL_NAME.fullmatch(name):
            raise invalid_request(f"'tools.{index}.function.name' : value is missing or malformed")
        parameters = function.get("parameters", {})
        if not isinstance(parameters, dict):
            raise invalid_request(f"'tools.{index}.function.parameters' : value must be an object")
        check_schema(parameters, f"tools.{index}.function.parameters")
    return tools


def _tool_choice(body: Mapping[str, Any], tools: list[dict[str, Any]]) -> str:
    choice = body.get("tool_choice")
    if choice is None:
        return "auto" if tools else "none"
    if isinstance(choice, dict):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        if name not in [tool["function"]["name"] for tool in tools]:
            raise invalid_request(f"tool_choice: tool '{name}' not found in tools")
        return f"function:{name}"
    if choice not in ("none", "auto", "required"):
        raise invalid_request(
            "'tool_choice' : value must be one of 'none', 'auto', 'required' or a named tool"
        )
    if choice == "required" and not tools:
        raise invalid_request("tool_choice is 'required' but no tools were provided")
    return str(choice)


def _effort(body: Mapping[str, Any], model: SimulatedModel, *, strict: bool) -> str:
    efforts = model.reasoning_efforts
    effort = body.get("reasoning_effort")
    if effort is None or (not strict and effort not in efforts):
        return "medium" if efforts else "none"
    if not efforts:
        raise invalid_request("`reasoning_effort` is not supported with this model", param="reasoning_effort")
    if effort not in efforts:
        choices = ", ".join(f"`{choice}`" for choice in efforts[:-1]) + f" or `{efforts[-1]}`"
        raise invalid_request(f"`reasoning_effort` must be one of {choices}", param="reasoning_effort")
    return "medium" if effort == "default" else str(effort)


def _reasoning(
    body: Mapping[str, Any], model: SimulatedModel, *, plain: bool, strict: bool
) -> tuple[bool, bool]:
    """Whether reasoning is shown in its own field, and whether inline."""
    included, form = body.get("include_reasoning"), body.get("reasoning_format")
    if form is None:
        if included is not None:
            return bool(included), False
        return (not model.reasoning_inline or not plain), model.reasoning_inline and plain
    if included is not None:
        raise invalid_request("cannot specify both `include_reasoning` and `reasoning_format`")
    if form not in ("raw", "parsed", "hidden"):
        raise invalid_request("`reasoning_format` must be one of `raw`, `parsed` or `hidden`")
    if strict and not model.reasoning_efforts:
        raise invalid_request("`reasoning_format` is not supported with this model", param="reasoning_format")
    if form == "raw" and not plain:
        raise invalid_request("`reasoning_format` of `raw` is not supported with tools or json mode")
    return form == "parsed" or (form == "raw" and not model.reasoning_inline), (
        form == "raw" and model.reasoning_inline
    )


def _service_tier(body: Mapping[str, Any]) -> str:
    tier = body.get("service_tier") or "on_demand"
    if tier not in ("auto", "on_demand", "flex", "performance", "default"):
        raise invalid_request(
            "'service_tier' : value must be one of 'auto', 'on_demand', 'flex', 'performance'"
        )
    return "on_demand" if tier in {"auto", "default"} else str(tier)
