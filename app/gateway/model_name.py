"""The name of a model, as requests of every kind have it."""

from __future__ import annotations

from app.gateway.api_errors import invalid_request

__all__ = ("model_name",)

_LONGEST = 200
"""Characters; the name is stored with every call, and shown in tables."""


def model_name(given: object, example: str) -> str:
    """The name that a request gives.

    Args:
        given: what stands in its field ``model``.
        example: for who has left it out.

    Raises:
        ApiError: 400: there is none, or it is too long to be one.
    """
    if not isinstance(given, str) or not given:
        raise invalid_request(f"model is missing: name one, such as {example}.", param="model")
    if len(given) > _LONGEST:
        raise invalid_request(
            f"model has more than {_LONGEST} characters.", param="model", code="string_above_max_length"
        )
    return given
