"""What a call consumed: tokens by kind, and the provider's own times and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ("LimitKind", "RateLimits", "ToldLimit", "Usage")

LimitKind = Literal["requests_per_minute", "requests_per_day", "tokens_per_minute", "tokens_per_day"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call as the provider reports them; times in seconds.

    ``cached_tokens`` are part of ``prompt_tokens`` and ``reasoning_tokens`` part of
    ``completion_tokens``. The times are Groq's; other providers leave them ``None``.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    queue_time: float | None = None
    prompt_time: float | None = None
    completion_time: float | None = None
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        """The tokens of both calls; their times belong to neither, and are left out."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            estimated=self.estimated or other.estimated,
        )

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class RateLimits:
    """Room left in a provider's limits, from the headers of one answer; resets in seconds.

    For Groq ``requests`` is per day and ``tokens`` per minute
    (https://console.groq.com/docs/rate-limits). ``None`` where a header was absent.
    """

    limit_requests: int | None = None
    remaining_requests: int | None = None
    reset_requests: float | None = None
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens: float | None = None


@dataclass(frozen=True, slots=True)
class ToldLimit:
    """One limit as a provider's refusal tells of it.

    Attributes:
        used: units in use when the call was refused; ``None`` where the call is larger than the limit.
        requested: units the call asked for.
    """

    kind: LimitKind
    limit: int
    used: int | None
    requested: int
