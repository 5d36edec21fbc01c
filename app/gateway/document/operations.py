"""What each endpoint takes and gives, as OpenAPI has it."""

from __future__ import annotations

from typing import Any

from app.gateway.document.schemas import Schema, reference

__all__ = ("CHAT", "DOCUMENT", "HEALTH", "METRICS", "MODEL", "MODELS", "PAGE", "Operation", "json_body")

Operation = dict[str, Any]
"""An OpenAPI operation object; ``x-curl`` has the arguments of an example."""

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "string", "pattern": r"^\d+$"}


def json_body(schema: Schema) -> dict[str, Any]:
    """A body of JSON."""
    return {"application/json": {"schema": schema}}


def _header(name: str, text: str, **schema: object) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string", **schema},
    }


def _told(text: str, schema: Schema = _TEXT) -> dict[str, Any]:
    return {"description": text, "schema": schema}


_REQUEST_ID = _header(
    "X-Request-ID",
    "Your name for the request, in the answer and in the ledger; one is made where none is sent.",
    pattern="^[!-~]{1,100}$",
)
_REQUEST_ID_TOLD = {"x-request-id": _told("Your X-Request-ID, or one that was made.")}
_CODES = {
    "400": "The request cannot be understood, or the provider refuses a field of it.",
    "401": "The key is missing, unknown, expired or revoked; or the provider does not know yours.",
    "403": "The key is not for this; or a page of another site calls.",
    "404": "There is no such model or path.",
    "408": "The request's body did not arrive in time.",
    "413": "The request is larger than gateway.max_body_mb.",
    "429": "A limit of the providers or a budget is used up; `retry-after` says until when.",
    "431": "The headers are too large.",
    "4XX": "The provider refuses the request.",
    "502": "The provider failed, cannot be reached, or refuses this gateway's own key.",
    "503": "The gateway cannot book calls, has no key for the provider, or has too much to do.",
    "504": "The provider went silent.",
    "5XX": "The gateway failed; its log names the request.",
}
_RETRY = {
    "retry-after": _told("Seconds to wait.", _NUMBER),
    "retry-after-ms": _told("The same in milliseconds.", _NUMBER),
    "x-should-retry": _told("`false` where trying again does not help."),
}


def _responses(*codes: str, **good: dict[str, Any]) -> dict[str, Any]:
    """Answers; ``good`` by status with an underscore before it."""
    refusals = {
        code: {"description": _CODES[code], "headers": _RETRY, "content": json_body(reference("Error"))}
        for code in codes
    }
    return {**{code.removeprefix("_"): answer for code, answer in good.items()}, **refusals}


_SIMPLE = ("400", "401", "403", "404", "431", "503", "5XX")

CHAT: Operation = {
    "operationId": "createChatCompletion",
    "tags": ["Chat"],
    "summary": "Answer a conversation, streamed or whole",
    "description": (
        "OpenAI's chat completions. The request goes where the router sends it, on to the next route when "
        "one fails, and every call is booked in the ledger. A provider's key that comes as Bearer is used "
        "for this request alone. A stream's last comment tells its cost: `: x-tensorwall-cost: 0.0000123`."
    ),
    "parameters": [
        _REQUEST_ID,
        _header(
            "X-Feature",
            "What the money is spent for, in the cost review; by default `gateway`.",
            pattern="^[A-Za-z0-9._-]{1,20}$",
        ),
        _header(
            "X-Dry-Run",
            "`true`: tell the route and the most it may cost; send nothing.",
            enum=["true", "false"],
        ),
    ],
    "requestBody": {"required": True, "content": json_body(reference("ChatRequest"))},
    "responses": _responses(
        *_CODES,
        _200={
            "description": "The answer as the provider wrote it; or, of a dry run, what would be done.",
            "headers": {
                **_REQUEST_ID_TOLD,
                "x-tensorwall-route": _told("Provider and model that answered."),
                "x-tensorwall-attempts": _told(
                    "Calls that it took.", {"type": "string", "pattern": r"^\d+$"}
                ),
                "x-tensorwall-cost": _told("US dollars, exact; of a stream, in its last comment."),
                "x-tensorwall-overhead-ms": _told("Milliseconds that the gateway added."),
                "x-tensorwall-left-out": _told("Fields this provider does not take as they came, by commas."),
            },
            "content": {
                **json_body({"anyOf": [reference("ChatAnswer"), reference("DryRun")]}),
                "text/event-stream": {"schema": {"type": "string"}},
            },
        },
    ),
    "x-curl": (
        "-H 'Content-Type: application/json' \\\n"
        '  -d \'{"model": "llama-70b", "messages": [{"role": "user", "content": "Hello!"}]}\''
    ),
}
MODELS: Operation = {
    "operationId": "listModels",
    "tags": ["Models"],
    "summary": "The models that the key may ask for",
    "parameters": [_REQUEST_ID],
    "responses": _responses(
        *_SIMPLE,
        _200={
            "description": "Names that stand for models first, then the providers' own.",
            "headers": _REQUEST_ID_TOLD,
            "content": json_body(reference("Models")),
        },
    ),
}
MODEL: Operation = {
    "operationId": "retrieveModel",
    "tags": ["Models"],
    "summary": "One model",
    "parameters": [
        {
            "name": "model",
            "in": "path",
            "required": True,
            "description": "Its id; slashes in it stay as they are.",
            "schema": {"type": "string", "minLength": 1},
            "example": "openai/gpt-oss-120b",
        },
        _REQUEST_ID,
    ],
    "responses": _responses(
        *_SIMPLE,
        _200={
            "description": "The model.",
            "headers": _REQUEST_ID_TOLD,
            "content": json_body(reference("Model")),
        },
    ),
}
METRICS: Operation = {
    "operationId": "showMetrics",
    "tags": ["Operation"],
    "summary": "Counters for Prometheus",
    "description": (
        "Requests, durations, added time, upstream calls, streams, circuits and limits of all processes of "
        "this gateway; money and tokens by model, feature and key from the ledger. A key for it alone: "
        "`tensorwall keys create prometheus --endpoints metrics`."
    ),
    "parameters": [_REQUEST_ID],
    "responses": _responses(
        *_SIMPLE,
        _200={
            "description": "Prometheus' text format.",
            "headers": _REQUEST_ID_TOLD,
            "content": {"text/plain": {"schema": _TEXT}},
        },
    ),
}
HEALTH: Operation = {
    "operationId": "showHealth",
    "tags": ["Operation"],
    "summary": "Whether calls can be answered and booked",
    "security": [],
    "responses": {
        "200": {"description": "They can.", "content": json_body(reference("Health"))},
        "503": {
            "description": "They cannot be booked; or too many requests are under way.",
            "content": json_body({"anyOf": [reference("Health"), reference("Error")]}),
        },
        **_responses("400", "403", "431", "5XX"),
    },
}
DOCUMENT: Operation = {
    "operationId": "showDocument",
    "tags": ["Operation"],
    "summary": "This document",
    "security": [],
    "responses": _responses(
        "400",
        "403",
        "431",
        "5XX",
        _200={"description": "OpenAPI 3.1.", "content": json_body({"type": "object"})},
    ),
}
PAGE: Operation = {
    "operationId": "showPage",
    "tags": ["Operation"],
    "summary": "This document as a page",
    "security": [],
    "responses": _responses(
        "400", "403", "431", "5XX", _200={"description": "HTML.", "content": {"text/html": {"schema": _TEXT}}}
    ),
}
