"""``GET /v1/models`` and ``/v1/models/{id}``: the models a key may ask for, as OpenAI lists them."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from app.gateway.api_errors import ApiError
from app.gateway.callers import Caller
from app.gateway.exchange import Exchange
from app.gateway.gateway import Gateway
from app.gateway.local_voice import LOCAL
from core.catalogue import ModelInfo
from core.errors import UnknownRoute

__all__ = ("list_models", "show_model")


async def list_models(gateway: Gateway, exchange: Exchange, caller: Caller) -> None:
    """Every route of the settings, the voice of this machine, then the models of the providers in use."""
    listed = {model["id"]: model for model in _all_models(gateway)}
    allowed = [model for name, model in listed.items() if caller.key.scopes.allows_model(name)]
    await exchange.answer(to_json({"object": "list", "data": allowed}))


async def show_model(gateway: Gateway, exchange: Exchange, caller: Caller) -> None:
    """One model.

    Raises:
        ApiError: 404: there is none of that name that the key may ask for.
    """
    name = exchange.scope["path_params"]["model"]
    listed = {model["id"]: model for model in _all_models(gateway)}
    if name not in listed or not caller.key.scopes.allows_model(name):
        raise ApiError(404, f"The model {name!r} is not served here.", code="model_not_found", param="model")
    await exchange.answer(to_json(listed[name]))


def _all_models(gateway: Gateway) -> list[dict[str, Any]]:
    routes = [
        {"id": pattern, "object": "model", "created": 0, "owned_by": "route", "active": True}
        for pattern in gateway.routes
    ]
    here = [
        {"id": name, "object": "model", "created": 0, "owned_by": LOCAL, "active": True}
        for name in gateway.voice.names()
    ]
    return [*routes, *here] + [
        _listed(info)
        for provider in gateway.providers
        for info in gateway.catalogue.models(provider)
        if _is_routed(gateway, info.id)
    ]


def _is_routed(gateway: Gateway, model: str) -> bool:
    try:
        gateway.router.resolve(model)
    except UnknownRoute:
        return False
    return True


def _listed(info: ModelInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "object": "model",
        "created": 0,
        "owned_by": info.provider,
        "active": info.state not in ("retired", "enterprise"),
        "context_window": info.context_window,
        "max_completion_tokens": info.max_output_tokens,
    }
