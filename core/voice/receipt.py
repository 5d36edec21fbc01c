"""What one spoken turn took, part by part, and what of it was speculation."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ("Receipt", "ReceiptBuilder")


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


class ReceiptBuilder:
    """Notes when the parts of one turn happened, in seconds of one clock, and makes the receipt of it.

    Attributes:
        turn: whose receipt it is.
    """

    def __init__(self, turn: int) -> None:
        self.turn = turn
        self._transcripts: dict[int, float] = {}
        self._spoke_until: float | None = None
        self._decided: float | None = None
        self._text: float | None = None
        self._revision: int | None = None
        self._first_token: float | None = None
        self._first_audio: float | None = None
        self._replies = 0
        self._dropped = 0
        self._cost: Decimal | None = Decimal(0)

    def transcript_asked(self, revision: int, at: float) -> None:
        """A transcript that may be sent was asked for; an early one if the turn's end came later."""
        self._transcripts[revision] = at

    def reply_asked_early(self) -> None:
        """An answer was asked for before it was certain that the user had finished."""
        self._replies += 1

    def reply_dropped(self, cost: Decimal | None) -> None:
        """An early answer was thrown away, having cost this; ``None`` where that is unknown."""
        self._dropped += 1
        self._cost = None if cost is None or self._cost is None else self._cost + cost

    def committed(self, *, spoke_until: float, decided: float, revision: int, at: float) -> None:
        """The user had stopped at ``spoke_until``; that was decided, and ``at`` the text was there."""
        self._spoke_until, self._decided, self._revision, self._text = spoke_until, decided, revision, at

    def token_came(self, at: float) -> None:
        """The first word of the answer that is spoken arrived."""
        if self._first_token is None:
            self._first_token = at

    @property
    def has_audio(self) -> bool:
        """Whether anything of the answer was heard."""
        return self._first_audio is not None

    def audio_came(self, at: float) -> None:
        """The first sound of it was heard."""
        if self._first_audio is None:
            self._first_audio = at

    def build(self) -> Receipt:
        """The receipt as far as things have happened."""
        ready = _later(self._text, self._first_token)
        early = [
            revision
            for revision, asked in self._transcripts.items()
            if self._decided is not None and asked < self._decided
        ]
        stale = sum(revision != self._revision for revision in early)
        return Receipt(
            turn=self.turn,
            endpoint=_between(self._spoke_until, self._decided),
            transcript=_between(self._decided, self._text),
            first_token=None if self._first_token is None else _between(self._text, ready),
            first_audio=None if self._first_token is None else _between(ready, self._first_audio),
            total=_between(self._spoke_until, self._first_audio),
            speculated=len(early) + self._replies,
            discarded=stale + self._dropped,
            speculation_cost=self._cost,
        )


def _between(begin: float | None, end: float | None) -> float | None:
    if begin is None or end is None:
        return None
    return max(0.0, end - begin)


def _later(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return first if second is None else second
    return max(first, second)
