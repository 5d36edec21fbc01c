"""The JSON that is read and written, as JSON Schema; what is not named here passes untouched."""

from __future__ import annotations

from typing import Any

__all__ = ("SCHEMAS", "Schema", "reference")

Schema = dict[str, Any]


def reference(name: str) -> Schema:
    """One of `SCHEMAS`, named."""
    return {"$ref": f"#/components/schemas/{name}"}


def _object(required: list[str], **properties: Schema) -> Schema:
    return {"type": "object", "required": required, "properties": properties}


def _list(items: Schema, **more: object) -> Schema:
    return {"type": "array", "items": items, **more}


def _or_null(kind: str, **more: object) -> Schema:
    return {"type": [kind, "null"], **more}


_TEXT: Schema = {"type": "string"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_CAP = _or_null("integer", minimum=1)
_DOLLARS = _or_null("string", pattern=r"^\d+(\.\d+)?$", description="US dollars, exact.")
_ROUTE = _object(["provider", "model"], provider=_TEXT, model=_TEXT)
_ROUTE_AND_WHY = _object(["provider", "model", "reason"], provider=_TEXT, model=_TEXT, reason=_TEXT)
_FUNCTION_CALL = _object(
    ["function"], id=_TEXT, type=_TEXT, function=_object([], name=_TEXT, arguments=_TEXT)
)

SCHEMAS: dict[str, Schema] = {
    "Message": _object(
        ["role"],
        role={"type": "string", "description": "Such as system, user, assistant or tool."},
        content={
            "oneOf": [{"type": "string"}, {"type": "null"}, _list({"type": "object"})],
            "description": "Text, or parts: text and pictures.",
        },
    ),
    "ChatRequest": {
        **_object(
            ["model", "messages"],
            model={
                "type": "string",
                "minLength": 1,
                "description": "A model, an alias or a route.",
                "examples": ["openai/gpt-oss-120b", "llama-70b"],
            },
            messages=_list(
                reference("Message"), minItems=1, examples=[[{"role": "user", "content": "Hello!"}]]
            ),
            stream=_or_null("boolean", description="The answer comes as server-sent events."),
            stream_options=_or_null("object", description="include_usage: a stream ends with the usage."),
            temperature=_or_null("number", minimum=0, maximum=2),
            max_completion_tokens=_CAP,
            max_tokens=_CAP,
            response_format=_or_null("object", description="JSON mode, or a schema that the answer fits."),
            tools={"type": ["array", "null"], "items": {"type": "object"}},
            service_tier=_or_null("string"),
        ),
        "additionalProperties": True,
        "description": "All other fields of OpenAI's and Groq's pass to the provider untouched.",
    },
    "Usage": _object(
        ["prompt_tokens", "completion_tokens", "total_tokens"],
        prompt_tokens=_COUNT,
        completion_tokens=_COUNT,
        total_tokens=_COUNT,
    ),
    "ChatAnswer": _object(
        ["choices"],
        id=_TEXT,
        object=_TEXT,
        created={"type": "integer"},
        model=_TEXT,
        choices=_list(
            _object(
                ["message"],
                index=_COUNT,
                message=_object(
                    [],
                    role=_TEXT,
                    content=_or_null("string"),
                    reasoning=_or_null("string"),
                    tool_calls={"type": ["array", "null"], "items": _FUNCTION_CALL},
                ),
                finish_reason=_or_null("string"),
            )
        ),
        usage=reference("Usage"),
    ),
    "DryRun": _object(
        ["object", "model", "route", "then", "skipped", "estimate"],
        object={"const": "chat.completion.dry_run"},
        model=_TEXT,
        route=_ROUTE_AND_WHY,
        then=_list(_ROUTE),
        skipped=_list(_ROUTE_AND_WHY),
        estimate=_object(
            ["prompt_tokens", "max_completion_tokens", "prompt_cost_usd", "worst_cost_usd"],
            prompt_tokens=_COUNT,
            max_completion_tokens=_COUNT,
            prompt_cost_usd=_DOLLARS,
            worst_cost_usd=_DOLLARS,
        ),
    ),
    "Model": _object(
        ["id", "object", "created", "owned_by"],
        id=_TEXT,
        object={"const": "model"},
        created=_COUNT,
        owned_by={"type": "string", "description": "The provider; `route` for a name of this gateway."},
        active={"type": "boolean"},
        context_window=_or_null("integer"),
        max_completion_tokens=_or_null("integer"),
    ),
    "Models": _object(["object", "data"], object={"const": "list"}, data=_list(reference("Model"))),
    "Health": _object(
        ["status", "ledger", "routes"],
        status={"enum": ["ok", "failing"]},
        ledger={"type": "string", "description": "`ok`, or why calls cannot be booked."},
        routes=_list(
            _object(
                ["route", "provider", "circuit", "problem", "models"],
                route=_TEXT,
                provider=_TEXT,
                circuit={"enum": ["closed", "open", "half_open"], "description": "Of the worst model."},
                models={**_COUNT, "description": "Of this endpoint that were asked for."},
                problem={"type": "string", "description": "Why it is not used now; empty where it is."},
            )
        ),
    ),
    "Error": _object(
        ["error"],
        error=_object(
            ["message", "type", "param", "code"],
            message=_TEXT,
            type=_TEXT,
            param=_or_null("string", description="The field that is at fault."),
            code=_or_null("string", description="For programs, such as invalid_api_key."),
        ),
    ),
}
