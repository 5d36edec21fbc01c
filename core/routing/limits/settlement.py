"""What a call that is over has used of its route's limits."""

from __future__ import annotations

from core.chat import UpstreamCall
from core.errors import ConnectionFailed, CredentialsError, ProviderError, RateLimited, RequestTooLarge
from core.routing.actions import RouteError
from core.routing.limits.allowance import Allowance, Reservation

__all__ = ("settle",)


def settle(
    made: Reservation, allowance: Allowance, call: UpstreamCall, error: RouteError | None, now: float
) -> None:
    """Put what was used in the place of what was reserved; a call that was not taken has used nothing.

    Args:
        made: the call's reservation.
        allowance: where it was made.
        call: its final record.
        error: why it failed; ``None`` where it did not.
        now: monotonic seconds.
    """
    if error is not None and _not_taken(error):
        allowance.release(made, now)
        if isinstance(error, RateLimited | RequestTooLarge) and error.told is not None:
            allowance.refused(error.told, now, getattr(error, "retry_after", None))
        return
    with allowance.exclusive(now):  # both at once: of an answer in one piece headers come with the end
        if call.outcome == "answered" and not made.told:
            allowance.reported(made, call.limits, now)
        allowance.settle(made, _used(call), now)


def _not_taken(error: RouteError) -> bool:
    """Whether the provider did not even begin."""
    if isinstance(error, ConnectionFailed | CredentialsError | RateLimited | RequestTooLarge):
        return True
    return isinstance(error, ProviderError) and error.status is not None and 400 <= error.status < 500


def _used(call: UpstreamCall) -> int:
    """Tokens; those from the prompt cache do not count. Where the provider tells of none, an estimate."""
    usage = call.usage
    if usage is None:
        return call.prompt_tokens_estimate + call.output_chunks
    return max(0, usage.total_tokens - usage.cached_tokens)
