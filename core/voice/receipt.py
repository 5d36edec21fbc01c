"""What one spoken turn took, part by part, and what of it was speculation."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ("Receipt",)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The latency receipt of one spoken turn; times in seconds, ``None`` where that part did not happen.

    Attributes:
        endpoint: from the end of speech (or the key's release) to the decision that it was the end.
        transcript: from that decision to the text; 0 where speculation had it ready.
        first_token: from the text to the answer's first word; 0 where speculation had it ready.
        first_audio: from the first word to the first sound out of the speaker.
        total: from the end of speech to the first sound.
        speculated: transcripts and replies that were begun early.
        discarded: those of them that were thrown away.
        speculation_cost: US dollars spent on what was thrown away; ``None`` where a price is unknown.
    """

    turn: int
    endpoint: float | None = None
    transcript: float | None = None
    first_token: float | None = None
    first_audio: float | None = None
    total: float | None = None
    speculated: int = 0
    discarded: int = 0
    speculation_cost: Decimal | None = Decimal(0)
