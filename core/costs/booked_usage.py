"""The tokens that a call is booked with, told or not."""

from __future__ import annotations

from core.chat import UpstreamCall, Usage
from core.costs.tokens import tokens_of_length

__all__ = ("booked_usage",)


def booked_usage(call: UpstreamCall) -> Usage:
    """The tokens to book for a call that is over.

    What the provider reported counts. Where it never did, a call that failed before it gave anything
    used nothing, and one that was cut off is estimated from its prompt and from what arrived: a
    chunk is usually one token, and where chunks are larger their characters tell.
    """
    if call.usage is not None:
        return call.usage
    if call.outcome == "failed" and not call.output_characters:
        return Usage()
    return Usage(
        prompt_tokens=call.prompt_tokens_estimate,
        completion_tokens=max(call.output_chunks, tokens_of_length(call.output_characters)),
        estimated=True,
    )
