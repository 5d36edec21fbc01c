"""When a route that failed is tried again: pauses with full jitter, and a budget that ends storms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

__all__ = ("LONGEST_RETRY_AFTER", "RetryBudget", "RetryPolicy", "backoff", "pause", "sane_retry_after")

LONGEST_RETRY_AFTER = 3600.0
"""Seconds; a server that asks for more is asked again after this all the same."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient the router is with one request; times in seconds.

    Attributes:
        retries: how often one route is tried again, after its first try.
        base_delay: the widest first pause; it doubles with every failure.
        max_delay: the widest pause.
        longest_wait: the most that one request sleeps in total while no route is ready.
    """

    retries: int = 2
    base_delay: float = 0.5
    max_delay: float = 8.0
    longest_wait: float = 60.0


def backoff(failures: int, policy: RetryPolicy, rng: Random) -> float:
    """Seconds to pause after ``failures`` failures (from 1): exponential, with full jitter.

    Full jitter draws from the whole range, which spreads clients best
    (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    """
    exponent = min(max(failures, 1) - 1, 32)
    return rng.uniform(0.0, min(policy.max_delay, policy.base_delay * 2.0**exponent))


def sane_retry_after(seconds: float | None) -> float | None:
    """A server's Retry-After brought into 0 to ``LONGEST_RETRY_AFTER``; ``None`` where it is no time."""
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def pause(failures: int, retry_after: float | None, policy: RetryPolicy, rng: Random) -> float:
    """Seconds until a route is tried again.

    The server's own word is taken exactly the first time. Where it proved too short, back-off is the
    least, so that a server that keeps saying "0 seconds" is not hammered.
    """
    retry_after = sane_retry_after(retry_after)
    if retry_after is None:
        return backoff(failures, policy, rng)
    if failures <= 1:
        return retry_after
    return max(retry_after, backoff(failures - 1, policy, rng))


class RetryBudget:
    """A token bucket that stops retries while a route mostly fails, as gRPC's retry throttling does.

    A failure takes a token and a success gives ``ratio`` back; retries are allowed above half
    (https://github.com/grpc/proposal/blob/master/A6-client-retries.md). gRPC's ratio of 0.1 suits
    thousands of calls; one person makes few, so that here two successes pay for a failure.
    """

    __slots__ = ("_capacity", "_ratio", "_tokens")

    def __init__(self, capacity: float = 10.0, ratio: float = 0.5) -> None:
        self._capacity = capacity
        self._ratio = ratio
        self._tokens = capacity

    @property
    def tokens(self) -> float:
        """Tokens left, from 0 to the capacity."""
        return self._tokens

    @property
    def allows(self) -> bool:
        """Whether a retry may be made now."""
        return self._tokens > self._capacity / 2

    def failed(self) -> None:
        """Take one token."""
        self._tokens = max(0.0, self._tokens - 1.0)

    def succeeded(self) -> None:
        """Give a part of a token back."""
        self._tokens = min(self._capacity, self._tokens + self._ratio)
