"""The live meter of one turn: speed, tokens and money while an answer streams.

Pure: it is told of events and asked for readings; time comes from the clock it is given. Tokens
are an estimate until the provider reports usage, which then replaces it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from core.catalogue.price import Price
from core.chat import Event, ReasoningDelta, RouteChosen, TextDelta, ToolCallDelta, Usage, UsageReported
from core.costs.tokens import estimate_tokens

__all__ = ("Meter", "Reading", "SPEED_POINTS")

SPEED_POINTS = 24
"""How many values ``Reading.speeds`` has."""

_POINT_SECONDS = 0.25
_WINDOW_SECONDS = 1.0
_SHORTEST_SECONDS = 0.05  # over less, a speed says more about buffers than about the model
_BATCHED = 1.75  # tokens a chunk, by estimate, from which chunks are taken to hold several


@dataclass(frozen=True, slots=True)
class Reading:
    """What the meter shows at one moment; times in seconds since the start.

    Attributes:
        ttft: to the first piece of the answer or of a tool call.
        first_reasoning: to the first piece of reasoning.
        elapsed: since the start; stands still once finished.
        prompt_tokens: sent, over all calls of the turn.
        tokens: generated, reasoning included, over all calls of the turn.
        tokens_per_second: over about the last second of arrivals; between arrivals and after the
            end it keeps its last value.
        average_tokens_per_second: over the time in which tokens arrived.
        speeds: ``SPEED_POINTS`` speeds of a quarter second each, oldest first, for a sparkline.
        cost: US dollars, or ``None`` where a call's price is unknown.
        estimated: whether tokens and cost are still (partly) an estimate.
        price_known: whether the price of every call is known.
    """

    ttft: float | None
    first_reasoning: float | None
    elapsed: float
    prompt_tokens: int
    tokens: int
    tokens_per_second: float | None
    average_tokens_per_second: float | None
    speeds: tuple[float, ...]
    cost: Decimal | None
    estimated: bool
    price_known: bool


@dataclass(slots=True)
class _Call:
    """What is counted of one upstream call."""

    price: Price | None
    prompt_tokens: int = 0
    chunks: int = 0
    estimate: int = 0
    counted: int = 0
    usage: Usage | None = None

    def count(self, text: str) -> None:
        """Take in one chunk.

        Groq sends one token a chunk, and then the chunks are the tokens; servers that batch are
        found by chunks that hold more than one by estimate. The count never falls.
        """
        self.chunks += 1
        self.estimate += estimate_tokens(text)
        batched = self.estimate >= _BATCHED * self.chunks
        self.counted = max(self.counted, self.estimate if batched else self.chunks)

    @property
    def billed(self) -> Usage:
        """The provider's usage, or the estimate in its place."""
        return self.usage or Usage(self.prompt_tokens, self.counted, estimated=True)


@dataclass(slots=True)
class _Speed:
    """Rolling speed and its recent course, from arrival times and running token counts."""

    tokens: int = 0
    current: float | None = None
    points: deque[float] = field(default_factory=lambda: deque([0.0] * SPEED_POINTS, SPEED_POINTS))
    _arrivals: deque[tuple[float, int]] = field(default_factory=deque)
    """When, and how many tokens there were then: the window, and the last arrival before it."""
    _leading: int = 0
    """Tokens of first chunks: they arrive at once, so that no time of arrival belongs to them."""
    _busy: float = 0.0
    _point_at: float | None = None
    _point_tokens: int = 0

    def arrived(self, now: float, tokens: int) -> None:
        """``tokens`` more have arrived."""
        self.pass_time(now)
        if self._point_at is None:
            self._point_at = now
        if self._arrivals:
            self._busy += now - self._arrivals[-1][0]
        else:
            self._leading += tokens
        self.tokens += tokens
        self._arrivals.append((now, self.tokens))
        while len(self._arrivals) > 2 and self._arrivals[1][0] <= now - _WINDOW_SECONDS:
            self._arrivals.popleft()
        since, before = self._arrivals[0]
        if now - since >= _SHORTEST_SECONDS:
            self.current = (self.tokens - before) / (now - since)

    def interrupted(self) -> None:
        """What arrives next is another call's: the wait for it is no part of any speed."""
        self._arrivals.clear()

    def pass_time(self, now: float) -> None:
        """Close the points of the sparkline that lie in the past."""
        if self._point_at is None:
            return
        missed = int((now - self._point_at) / _POINT_SECONDS)
        if missed > 0:
            self.points.append((self.tokens - self._point_tokens) / _POINT_SECONDS)
            self.points.extend([0.0] * min(missed - 1, SPEED_POINTS))
            self._point_tokens = self.tokens
            self._point_at += missed * _POINT_SECONDS

    def ended(self) -> None:
        """Close the point that is begun, however short."""
        if self._point_at is not None and self._arrivals and self.tokens > self._point_tokens:
            lasted = max(self._arrivals[-1][0] - self._point_at, _SHORTEST_SECONDS)
            self.points.append((self.tokens - self._point_tokens) / lasted)

    @property
    def average(self) -> float | None:
        """Over the time in which tokens arrived."""
        if self._busy < _SHORTEST_SECONDS:
            return None
        return (self.tokens - self._leading) / self._busy


class Meter:
    """Measures one turn, which may take several upstream calls (another route, tools).

    Args:
        clock: monotonic seconds.
        price: of the model that is asked; ``None`` where it is unknown.
        prompt_tokens: the prompt's size by estimate, until usage is reported.
    """

    def __init__(self, clock: Callable[[], float], price: Price | None, *, prompt_tokens: int = 0) -> None:
        self._clock = clock
        self._price = price
        self._prompt_tokens = prompt_tokens
        self._earlier: list[_Call] = []
        self._call = _Call(price, prompt_tokens)
        self._speed = _Speed()
        self._started_at = clock()
        self._ended_at: float | None = None
        self._first_content: float | None = None
        self._first_reasoning: float | None = None

    def started(self) -> None:
        """The user has sent the message; times count from here, not from construction."""
        self._started_at = self._clock()

    def on_event(self, event: Event) -> None:
        """Take in one event of the stream."""
        match event:
            case TextDelta() | ToolCallDelta():
                text = event.text if isinstance(event, TextDelta) else (event.name or "") + event.arguments
                if text:
                    now = self._arrived(text)
                    if self._first_content is None:
                        self._first_content = now - self._started_at
            case ReasoningDelta(text=text) if text:
                now = self._arrived(text)
                if self._first_reasoning is None:
                    self._first_reasoning = now - self._started_at
            case UsageReported(usage=usage):
                self._call.usage = usage
            case RouteChosen():
                self._next_call()

    def reprice(self, price: Price | None, *, prompt_tokens: int | None = None) -> None:
        """Another model answers the current call: its price, and its prompt where that differs."""
        self._call.price = self._price = price
        if prompt_tokens is not None:
            self._call.prompt_tokens = self._prompt_tokens = prompt_tokens

    def finished(self) -> None:
        """The turn is over, in whatever way; readings stand still from here."""
        if self._ended_at is None:
            self._ended_at = self._clock()
            self._speed.pass_time(self._ended_at)
            self._speed.ended()

    def reading(self) -> Reading:
        """The values to show now."""
        now = self._now()
        if self._ended_at is None:
            self._speed.pass_time(now)
        calls = [*self._earlier, self._call]
        usages = [call.billed for call in calls]
        costs = [
            call.price.cost(usage)
            for call, usage in zip(calls, usages, strict=True)
            if call.price is not None
        ]
        price_known = len(costs) == len(calls)
        return Reading(
            ttft=self._first_content,
            first_reasoning=self._first_reasoning,
            elapsed=now - self._started_at,
            prompt_tokens=sum(usage.prompt_tokens for usage in usages),
            tokens=sum(usage.completion_tokens for usage in usages),
            tokens_per_second=self._speed.current,
            average_tokens_per_second=self._average(usages[-1]),
            speeds=tuple(self._speed.points),
            cost=sum(costs, Decimal(0)) if price_known else None,
            estimated=any(usage.estimated for usage in usages),
            price_known=price_known,
        )

    def _now(self) -> float:
        return self._clock() if self._ended_at is None else self._ended_at

    def _arrived(self, text: str) -> float:
        now = self._clock()
        before = self._call.counted
        self._call.count(text)
        self._speed.arrived(now, self._call.counted - before)
        return now

    def _next_call(self) -> None:
        """Close the current call unless nothing came of it: a call that failed early is not billed."""
        if self._call.usage is not None or self._call.counted:
            self._earlier.append(self._call)
        self._call = _Call(self._price, self._prompt_tokens)
        self._speed.interrupted()

    def _average(self, usage: Usage) -> float | None:
        """By arrival; by the provider's own time where everything arrived at once."""
        if (average := self._speed.average) is not None or not usage.completion_time:
            return average
        return usage.completion_tokens / usage.completion_time
