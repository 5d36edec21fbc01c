"""The OpenAPI 3.1 document, made from the table of what is served."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from app.gateway.document import operations
from app.gateway.document.operations import Operation
from app.gateway.document.schemas import SCHEMAS

if TYPE_CHECKING:
    from app.gateway.paths import ServedPath

__all__ = ("OPEN_PATHS", "openapi")

OPEN_PATHS = {"/health": operations.HEALTH, "/openapi.json": operations.DOCUMENT, "/docs": operations.PAGE}
"""What needs no key."""

_DESCRIPTION = (
    "OpenAI's API on this machine, over TensorWall's router, budgets and ledger. Every path under `/v1` "
    "answers under `/openai/v1`, too, where Groq's clients look."
)
_SCHEMES = {
    "GatewayKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key of this gateway: `tensorwall keys create NAME` makes one.",
    },
    "Bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "A key of this gateway, from a client that sends only one header; beside X-API-Key, a provider's "
            "key that is used for this request alone."
        ),
    },
}


def openapi(paths: Iterable[ServedPath], version: str, url: str) -> dict[str, Any]:
    """The document.

    Args:
        paths: what is served to those with a key.
        version: of this program.
        url: where it is served, such as ``http://localhost:8000``.
    """
    described: dict[str, dict[str, Operation]] = {}
    for served in paths:
        for number, path in enumerate(served.full_paths):
            name = served.operation["operationId"] + ("" if number == 0 else "Again")
            described.setdefault(path, {})[served.method.lower()] = {**served.operation, "operationId": name}
    described |= {path: {"get": operation} for path, operation in OPEN_PATHS.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "TensorWall", "version": version, "description": _DESCRIPTION},
        "servers": [{"url": url}],
        "security": [{"GatewayKey": []}, {"Bearer": []}],
        "paths": described,
        "components": {"schemas": SCHEMAS, "securitySchemes": _SCHEMES},
    }
