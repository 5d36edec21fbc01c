"""The figures of the status strip: of the turn that streams, or of the last one, with the running totals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from app.tui.fitting import Tone
from app.tui.status_line import Status

if TYPE_CHECKING:
    from app.tui.live_turn import LiveTurn
    from core.costs.ledger import Ledger
    from core.costs.ledger_records import Totals

__all__ = ("Gauges",)

_ENDINGS: dict[str, tuple[str, Tone]] = {
    "complete": ("Ready", "dim"),
    "stopped": ("Stopped", "dim"),
    "failed": ("Failed", "error"),
}


@dataclass(frozen=True, slots=True)
class Spent:
    """What the ledger has settled, in tokens and US dollars."""

    tokens: int
    cost: Decimal


@dataclass(slots=True)
class Gauges:
    """Keeps the last readings, so that nothing blinks between turns.

    Attributes:
        session: settled in this session; the turn that streams comes on top.
        today: settled since midnight; the same.
    """

    last: Status = field(default_factory=Status)
    session: Spent = Spent(0, Decimal(0))
    today: Spent | None = None

    def during(self, live: LiveTurn) -> Status:
        """The figures while a turn streams; they are kept as the last ones."""
        reading = live.reading
        state, tone = live.state
        if not live.provider:  # nobody has been asked yet
            self.last = replace(self.last, state=state, tone=tone)
            return self.last
        tokens, cost = reading.prompt_tokens + reading.tokens, reading.cost or Decimal(0)
        self.last = replace(
            self.last,
            state=state,
            tone=tone,
            provider=live.provider,
            model=live.model,
            caution=live.caution,
            first_token=reading.ttft,
            tokens_per_second=reading.tokens_per_second,
            speeds=reading.speeds,
            turn_tokens=tokens,
            turn_cost=reading.cost,
            turn_estimated=reading.estimated,
            totals_estimated=reading.estimated,
            session_tokens=self.session.tokens + tokens,
            session_cost=self.session.cost + cost,
            today_tokens=self.today.tokens + tokens if self.today else None,
            today_cost=self.today.cost + cost if self.today else None,
            context_used=tokens,
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
        self.last = replace(self.last, provider="", model="", caution="")

    def reset(self) -> None:
        """Another session is on screen; today's spend and the provider's limits go on."""
        last = self.last
        self.session = Spent(0, Decimal(0))
        self.last = Status(today_cost=last.today_cost, today_tokens=last.today_tokens, limits=last.limits)

    async def read_totals(self, ledger: Ledger, session_id: str | None) -> None:
        """Money and tokens of the session and of today.

        Raises:
            StorageError: the ledger cannot be read.
        """
        midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        self.today = _spent(await ledger.totals(since=midnight.astimezone(UTC)))
        settled = _spent(await ledger.totals(session_id=session_id)) if session_id else None
        self.session = settled or Spent(0, Decimal(0))
        self.last = replace(
            self.last,
            today_cost=self.today.cost,
            today_tokens=self.today.tokens,
            session_cost=settled.cost if settled else None,
            session_tokens=settled.tokens if settled else None,
            totals_estimated=False,
        )


def _spent(totals: Totals) -> Spent:
    return Spent(totals.prompt_tokens + totals.completion_tokens, totals.cost)
