"""The figures of the status strip: of the turn that streams, or of the last one, with the running totals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.tui.status_line import Status, Tone

if TYPE_CHECKING:
    from app.tui.live_turn import LiveTurn
    from core.costs.ledger import Ledger, Totals

__all__ = ("Gauges",)

_ENDINGS: dict[str, tuple[str, Tone]] = {
    "complete": ("Ready", "dim"),
    "stopped": ("Stopped", "dim"),
    "failed": ("Failed", "error"),
}


@dataclass(slots=True)
class Gauges:
    """Keeps the last readings, so that nothing blinks between turns."""

    last: Status = field(default_factory=Status)

    def during(self, live: LiveTurn) -> Status:
        """The figures while a turn streams; they are kept as the last ones."""
        reading = live.reading
        state, tone = live.state
        if not live.provider:  # nobody has been asked yet
            self.last = replace(self.last, state=state, tone=tone)
            return self.last
        self.last = replace(
            self.last,
            state=state,
            tone=tone,
            provider=live.provider,
            model=live.model,
            first_token=reading.ttft,
            tokens_per_second=reading.tokens_per_second,
            speeds=reading.speeds,
            turn_tokens=reading.prompt_tokens + reading.tokens,
            turn_cost=reading.cost,
            turn_estimated=reading.estimated,
            context_used=reading.prompt_tokens + reading.tokens,
            limits=live.limits or self.last.limits,
        )
        return self.last

    def ended(self, live: LiveTurn, how: str) -> None:
        """The turn is over: its average speed and what it was billed stay."""
        self.during(live)
        average = live.reading.average_tokens_per_second
        state, tone = _ENDINGS[how]
        speed = average or self.last.tokens_per_second
        self.last = replace(self.last, state=state, tone=tone, tokens_per_second=speed)

    def forget_route(self) -> None:
        """Another model is asked next."""
        self.last = replace(self.last, provider="", model="")

    def reset(self) -> None:
        """Another session is on screen; today's spend and the provider's limits go on."""
        last = self.last
        self.last = Status(today_cost=last.today_cost, today_tokens=last.today_tokens, limits=last.limits)

    async def read_totals(self, ledger: Ledger, session_id: str | None) -> None:
        """Money and tokens of the session and of today.

        Raises:
            StorageError: the ledger cannot be read.
        """
        midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        today = await ledger.totals(since=midnight.astimezone(UTC))
        session = await ledger.totals(session_id=session_id) if session_id else None
        self.last = replace(
            self.last,
            today_cost=today.cost,
            today_tokens=_tokens(today),
            session_cost=session.cost if session else None,
            session_tokens=_tokens(session) if session else None,
        )


def _tokens(totals: Totals) -> int:
    return totals.prompt_tokens + totals.completion_tokens
