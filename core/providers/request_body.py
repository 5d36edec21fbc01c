"""A chat request as the JSON body one provider takes: what it refuses is left out, names are its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

from pydantic_core import PydanticSerializationError, to_json

from core.chat import ChatRequest, Message, ReasoningEffort
from core.providers.base import CapField, ModelRule, ProviderProfile

__all__ = ("encode_body", "left_out", "request_body")

_EFFORTS: tuple[ReasoningEffort, ...] = get_args(ReasoningEffort)  # from least to most
_OURS = ("messages", "model", "stream", *get_args(CapField))  # never taken from ``extra`` or a client
_ONE_ANSWER = "n"  # never taken from ``extra``: events and responses tell of one answer


def request_body(
    profile: ProviderProfile, request: ChatRequest, *, model: str, stream: bool
) -> dict[str, Any]:
    """The body of ``POST /chat/completions``.

    Args:
        profile: what the provider takes.
        request: what is asked.
        model: the provider's own id of the model.
        stream: whether the answer is to be streamed.
    """
    rule = profile.rule(model)
    body = _options(profile, request, rule)
    if stream and profile.usage_option:
        body.setdefault("stream_options", {"include_usage": True})
    elif not stream:
        body.pop("stream_options", None)
    for name, value in rule.defaults.items():
        if not _excluded(profile, name, body):
            body.setdefault(name, value)
    for name in _refused(profile, rule, body):
        del body[name]
    if (cap := profile.output_cap(request, model)) is not None:
        body[profile.cap_field] = cap
    return {"model": model, "messages": _messages(profile, request), "stream": stream, **body}


def left_out(profile: ProviderProfile, request: ChatRequest, *, model: str) -> list[str]:
    """The fields of a relayed request that do not go on the wire as they came: the provider refuses them.

    Those of messages are told as ``messages.name`` and ``messages.role``.
    """
    given, rule = request.relayed or {}, profile.rule(model)
    missing = _refused(profile, rule, given)
    asked = given.get("reasoning_effort")
    if asked in _EFFORTS and "reasoning_effort" not in missing and _effort(rule, asked) != asked:
        missing.append("reasoning_effort")
    messages = given.get("messages", ())
    changed = [(message, _relayed_message(profile, message)) for message in messages]
    missing += [
        f"messages.{name}"
        for name in ("name", "role")
        if any(before.get(name) != after.get(name) for before, after in changed)
    ]
    return missing


def encode_body(body: dict[str, Any]) -> bytes:
    """The body as JSON; what UTF-8 cannot carry (lone surrogates, from odd file names) becomes ``?``."""
    try:
        return to_json(body)
    except (PydanticSerializationError, UnicodeEncodeError):
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")


def _options(profile: ProviderProfile, request: ChatRequest, rule: ModelRule) -> dict[str, Any]:
    """All fields but the messages and those that depend on others."""
    if request.relayed is not None:
        return _relayed_options(profile, request, request.relayed, rule)
    body = {name: value for name, value in request.extra.items() if name not in (*_OURS, _ONE_ANSWER)}
    for name in ("temperature", "top_p", "seed", "parallel_tool_calls", "user"):
        if (value := getattr(request, name)) is not None:
            body[name] = value
    if request.stop:
        body["stop"] = request.stop
    if request.response_format is not None:
        body["response_format"] = request.response_format.model_dump(by_alias=True, exclude_none=True)
    if request.tools:
        body["tools"] = [tool.model_dump(exclude_none=True) for tool in request.tools]
    if request.tool_choice is not None:
        choice = request.tool_choice
        body["tool_choice"] = choice if isinstance(choice, str) else choice.model_dump()
    if (effort := _effort(rule, request.reasoning_effort)) is not None:
        body["reasoning_effort"] = effort
    if request.service_tier is not None and (tier := profile.service_tiers.get(request.service_tier)):
        body["service_tier"] = tier
    return body


def _relayed_options(
    profile: ProviderProfile, request: ChatRequest, given: dict[str, Any], rule: ModelRule
) -> dict[str, Any]:
    """A client's fields as they came, but for what the router changes before a further try.

    An effort the model does not know becomes one that it does. Usage is always asked for, since it is
    booked; whoever relays the answer leaves it out again.
    """
    body = {name: value for name, value in given.items() if name not in _OURS}
    if isinstance(options := body.get("stream_options"), dict):
        body["stream_options"] = {**options, "include_usage": True}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    if request.service_tier is not None and (tier := profile.service_tiers.get(request.service_tier)):
        body["service_tier"] = tier
    if (asked := body.get("reasoning_effort")) in _EFFORTS and (effort := _effort(rule, asked)) is not None:
        body["reasoning_effort"] = effort
    return body


def _effort(rule: ModelRule, asked: ReasoningEffort | None) -> ReasoningEffort | None:
    """The least effort the model takes that is not below the one asked for, else its most."""
    if asked is None or rule.reasoning_efforts is None:
        return asked
    rank = _EFFORTS.index(asked)
    enough = (effort for effort in rule.reasoning_efforts if _EFFORTS.index(effort) >= rank)
    return next(enough, rule.reasoning_efforts[-1] if rule.reasoning_efforts else None)


def _excluded(profile: ProviderProfile, name: str, body: dict[str, Any]) -> bool:
    return any(name in group and any(other in body for other in group) for group in profile.exclusive_fields)


def _refused(profile: ProviderProfile, rule: ModelRule, given: Mapping[str, Any]) -> list[str]:
    """The fields that the provider does not take; of those that exclude each other it takes the first."""
    refused = [name for name in given if name in profile.refused_fields or name in rule.refused_fields]
    for group in profile.exclusive_fields:
        refused += [name for name in group if name in given and name not in refused][1:]
    return refused


def _messages(profile: ProviderProfile, request: ChatRequest) -> list[Any]:
    if request.relayed is None:
        return [_message(profile, message) for message in request.messages]
    return [_relayed_message(profile, message) for message in request.relayed["messages"]]


def _relayed_message(profile: ProviderProfile, message: dict[str, Any]) -> dict[str, Any]:
    """A client's message as it came, but for a role and a name that the provider refuses."""
    if message.get("role") == "developer" and not profile.developer_role:
        message = {**message, "role": "system"}
    if "name" in message and not profile.message_names:
        message = {name: value for name, value in message.items() if name != "name"}
    return message


def _message(profile: ProviderProfile, message: Message) -> dict[str, Any]:
    """One message; its reasoning stays here."""
    role = message.role
    if role == "developer" and not profile.developer_role:
        role = "system"
    wire: dict[str, Any] = {"role": role}
    if message.images:
        assert not isinstance(message.content, str | None)
        wire["content"] = [part.model_dump(exclude_none=True) for part in message.content]
    elif message.content is not None or not message.tool_calls:
        wire["content"] = message.text  # parts of text alone as one text: some servers take no parts
    if message.tool_calls:
        wire["tool_calls"] = [call.model_dump() for call in message.tool_calls]
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    if message.name is not None and profile.message_names:
        wire["name"] = message.name
    return wire
