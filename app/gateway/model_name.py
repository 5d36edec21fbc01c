"""The name of a model, as requests of every kind have it."""

from __future__ import annotations

from app.gateway.api_errors import invalid_request
from core.chat.request import LONGEST_MODEL_NAME

__all__ = ("model_name",)


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
    if len(given) > LONGEST_MODEL_NAME:
        raise invalid_request(
            f"model has more than {LONGEST_MODEL_NAME} characters.",
            param="model",
            code="string_above_max_length",
        )
    return given
