"""The body of a chat request: checked no further than the router needs, so that all else passes untouched."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from app.gateway.api_errors import invalid_request
from app.gateway.model_name import model_name
from core.chat import (
    ChatRequest,
    FunctionTool,
    ImagePart,
    ImageUrl,
    JsonSchemaFormat,
    Message,
    Part,
    ServiceTier,
    TextPart,
    ToolDefinition,
)

__all__ = ("asks_for_stream", "asks_for_usage", "json_object", "read_chat_request")

Made = TypeVar("Made", bound=BaseModel)

_TIERS = get_args(ServiceTier)
_CAPS = ("max_completion_tokens", "max_tokens")
_NUMBERS = (int, float)


def json_object(body: bytes) -> dict[str, Any]:
    """A request's body.

    Raises:
        ApiError: 400: it is no JSON object.
    """
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise invalid_request(f"The request's body is not JSON: {error}", code="invalid_json") from None
    if not isinstance(value, dict):
        raise invalid_request("The request's body is not a JSON object.", code="invalid_json")
    return value


def asks_for_stream(body: dict[str, Any]) -> bool:
    """Whether the answer is to be streamed.

    Raises:
        ApiError: 400: ``stream`` is neither true nor false.
    """
    stream = body.get("stream")
    if stream is not None and not isinstance(stream, bool):
        raise invalid_request("stream is neither true nor false.", param="stream")
    return bool(stream)


def asks_for_usage(body: dict[str, Any]) -> bool:
    """Whether the client wants the chunk of a stream that tells the usage."""
    return bool((body.get("stream_options") or {}).get("include_usage"))


def read_chat_request(body: dict[str, Any]) -> ChatRequest:
    """What the router has to know of a client's body, and the body itself to be relayed.

    What is of a kind that it cannot be is refused here only where nobody else could: what reaches the
    provider as it came is the provider's to refuse.

    Raises:
        ApiError: 400: model or messages are missing or of another kind, or the caps and the options of a
            stream, which do not go on the wire as they came.
    """
    model, messages = model_name(body.get("model"), "those of /v1/models"), body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise invalid_request("messages is missing or empty: it is a list of messages.", param="messages")
    _check_stream_options(body.get("stream_options"))
    tier = body.get("service_tier")
    temperature = body.get("temperature")
    return _made(
        ChatRequest,
        model=model,
        messages=[_message(message, place) for place, message in enumerate(messages)],
        max_completion_tokens=_cap(body),
        temperature=temperature if type(temperature) in _NUMBERS else None,
        service_tier=tier if tier in _TIERS else None,
        response_format=_schema(body.get("response_format")),
        tools=_tools(body.get("tools")),
        relayed=body,
    )


def _made(kind: type[Made], **fields: Any) -> Made:  # noqa: ANN401 - as the model has them
    """Made as it is, also where it breaks a rule that is the provider's to tell of.

    With the rules kept, which is nearly always, checking it takes less time than not to.
    """
    try:
        return kind(**fields)
    except ValidationError:
        return kind.model_construct(**fields)


def _check_stream_options(options: object) -> None:
    if options is None:
        return
    if not isinstance(options, dict):
        raise invalid_request("stream_options is not an object.", param="stream_options")
    if not isinstance(options.get("include_usage"), bool | None):
        name = "stream_options.include_usage"
        raise invalid_request(f"{name} is neither true nor false.", param=name)


def _cap(body: dict[str, Any]) -> int | None:
    """The cap by the name that counts; the other is checked as well."""
    given = {name: cap for name in _CAPS if (cap := body.get(name)) is not None}
    for name, cap in given.items():
        if type(cap) is not int or cap < 1:
            raise invalid_request(f"{name} is not a number of tokens from 1 upwards.", param=name)
    return next(iter(given.values()), None)


def _message(message: object, place: int) -> Message:
    """A message as far as the router goes by it: its text and its pictures."""
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise invalid_request(f"messages[{place}] is not an object with a role.", param=f"messages[{place}]")
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        content = _parts(content, place)
    return _made(Message, role=message["role"], content=content)


def _parts(content: object, place: int) -> list[Part]:
    if not isinstance(content, list):
        where = f"messages[{place}].content"
        raise invalid_request(f"{where} is neither text nor a list of parts.", param=where)
    return [part for given in content if (part := _part(given)) is not None]


def _part(given: object) -> Part | None:
    """A part whose kind is known; others pass untouched."""
    if not isinstance(given, dict):
        return None
    if isinstance(text := given.get("text"), str):
        return TextPart.model_construct(text=text)
    image = given.get("image_url")
    if isinstance(image, str):
        image = {"url": image}
    if isinstance(image, dict) and isinstance(url := image.get("url"), str):
        return ImagePart.model_construct(
            image_url=ImageUrl.model_construct(url=url, detail=image.get("detail"))
        )
    return None


def _schema(given: object) -> JsonSchemaFormat | None:
    """The schema that the answer has to fit: some providers cannot stream such answers."""
    if not isinstance(given, dict) or given.get("type") != "json_schema":
        return None
    try:
        return JsonSchemaFormat.model_validate(given)
    except ValidationError:
        return None  # the provider says what is wrong with it


def _tools(given: object) -> list[ToolDefinition] | None:
    """The tools whose size counts as prompt."""
    if not isinstance(given, list):
        return None
    functions = [tool.get("function") for tool in given if isinstance(tool, dict)]
    return [
        ToolDefinition.model_construct(
            function=FunctionTool.model_construct(
                name=str(function.get("name")),
                description=str(function.get("description") or ""),
                parameters={"schema": function.get("parameters")},
            )
        )
        for function in functions
        if isinstance(function, dict)
    ]
