"""Errors in the words a user reads: what happened, and what to do about it."""

from __future__ import annotations

from core.errors import AllRoutesFailed, TensorWallError

__all__ = ("explain",)


def explain(error: BaseException) -> tuple[str, str]:
    """One sentence on what happened and one on what to do (may be empty).

    Where every route failed the first cause speaks: the others are usually consequences.
    """
    if isinstance(error, AllRoutesFailed) and len(error.causes) == 1:
        cause = error.causes[0]
        return cause.message, cause.hint or error.hint
    if isinstance(error, AllRoutesFailed):
        told = "; ".join(dict.fromkeys(cause.message.rstrip(".") for cause in error.causes))
        hint = error.hint or next((cause.hint for cause in error.causes if cause.hint), "")
        return (f"{told}." if told else error.message), hint
    if isinstance(error, TensorWallError):
        return error.message, error.hint
    return (
        f"{type(error).__name__}: {error}",
        "This is a defect in TensorWall; the log in the data folder has the details.",
    )
