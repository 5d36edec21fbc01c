"""What the ledger says, as plain records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from core.chat import CallOutcome, CallRole

__all__ = ("IMPORTED_FROM", "CallRecord", "LedgerOutcome", "Totals")

LedgerOutcome = CallOutcome | Literal["crashed"]
"""``crashed``: the process died while the call ran."""
IMPORTED_FROM = "imported from "
"""What the reason of a call begins with that another program made; that program's name follows."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One upstream call as the ledger keeps it; times in seconds, money in US dollars.

    Attributes:
        estimated: the tokens are an estimate, since the provider never said what it bills.
        cost: ``None`` while the call runs, and where the price is unknown.
        price_id: the price row the cost was computed from.
        role: why the call was made.
        reserved: the most that it might have cost, where that was set aside.
        cache_saving: what its cached tokens would have cost more; ``None`` where that is unknown.
        audio_seconds: of sound that was transcribed.
        characters: of text that was spoken.
        key_id: of the gateway's key that it was made with, if any.
    """

    call_id: str
    session_id: str | None
    message_id: str | None
    feature: str
    route: str
    provider: str
    model: str
    reason: str
    started_at: datetime
    outcome: LedgerOutcome
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    estimated: bool
    cost: Decimal | None
    price_id: str | None
    first_token: float | None
    first_content: float | None
    duration: float | None
    queue_time: float | None
    prompt_time: float | None
    completion_time: float | None
    finish_reason: str | None
    error: str | None
    error_type: str | None
    request_id: str | None
    role: CallRole
    reserved: Decimal | None
    cache_saving: Decimal | None
    audio_seconds: float | None
    characters: int | None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Exact sums over calls that have ended.

    Attributes:
        turns: questions that were asked, however many calls their answers took.
        cost: US dollars of all calls whose price is known, estimates included.
        estimated_cost: the part of ``cost`` that rests on estimated tokens.
        unknown_price_calls: calls that used tokens at an unknown price; not in ``cost``.
        estimated_calls: calls whose tokens are an estimate.
        cache_saving: US dollars that cached tokens would have cost more.
        timed_tokens: tokens generated in ``generation_seconds``, by the provider's word where it tells.
        audio_seconds: of sound that was transcribed.
        characters: of text that was spoken.
        key_id: of the gateway's key that it was made with, if any.
    """

    calls: int = 0
    turns: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cost: Decimal = Decimal(0)
    estimated_cost: Decimal = Decimal(0)
    unknown_price_calls: int = 0
    estimated_calls: int = 0
    cache_saving: Decimal = Decimal(0)
    timed_tokens: int = 0
    generation_seconds: float = 0.0
    audio_seconds: float = 0.0
    characters: int = 0

    @property
    def tokens_per_second(self) -> float | None:
        """Speed over all the time in which answers were generated."""
        return self.timed_tokens / self.generation_seconds if self.generation_seconds else None

    @property
    def billed_cost(self) -> Decimal:
        """The part of ``cost`` that rests on what the provider billed."""
        return self.cost - self.estimated_cost

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens
