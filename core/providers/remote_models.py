"""What ``/models`` lists, read leniently: servers name and leave out fields as they like."""

from __future__ import annotations

from typing import Any

from core.errors import UnexpectedResponse
from core.providers.answer_fields import parse_json
from core.providers.base import RemoteModel
from core.providers.upstream import Upstream

__all__ = ("remote_models",)

# Groq; vLLM; OpenRouter and Together; LM Studio.
_WINDOWS = ("context_window", "max_model_len", "context_length", "max_context_length")
_CAPS = ("max_completion_tokens", "max_output_tokens")


def remote_models(upstream: Upstream, body: bytes) -> list[RemoteModel]:
    """The models an answer to ``GET /models`` lists.

    Raises:
        UnexpectedResponse: it is no list of models.
    """
    try:
        payload = parse_json(body)
        entries = payload if isinstance(payload, list) else payload["data"]
        return [_model(entry) for entry in entries or ()]  # Ollama without models says null
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise upstream.error(
            UnexpectedResponse,
            f"{upstream.host} does not list its models as an OpenAI-compatible API does.",
            hint="Check the base URL; most end in /v1.",
            status=200,
        ) from error


def _model(entry: dict[str, Any]) -> RemoteModel:
    owner = entry.get("owned_by")
    meta = entry.get("meta")
    trained = meta.get("n_ctx_train") if isinstance(meta, dict) else None  # llama.cpp
    return RemoteModel(
        id=str(entry["id"]),
        owned_by=owner if isinstance(owner, str) else None,
        created=_number(entry.get("created")),
        active=entry.get("active") is not False,
        context_window=_first(entry, _WINDOWS) or _number(trained),
        max_completion_tokens=_first(entry, _CAPS),
    )


def _first(entry: dict[str, Any], names: tuple[str, ...]) -> int | None:
    return next((number for name in names if (number := _number(entry.get(name)))), None)


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
