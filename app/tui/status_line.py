"""What the status strip says, and how it shrinks: pure, so that every width can be tested."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from app.figures import count, duration, money, sparkline, speed
from app.tui.fitting import Field, Span, Tone, fit

if TYPE_CHECKING:
    from core.chat.usage import RateLimits

__all__ = ("Status", "lines")

_BAR = 10


@dataclass(frozen=True, slots=True)
class Status:
    """Everything the strip can show; ``None`` is unknown and is left out or dashed.

    ``answers`` is what answers have to be, such as ``JSON person``; empty for text. ``caution`` is what
    has to be said of a model of this machine.
    """

    state: str = "Ready"
    tone: Tone = "dim"
    simulated: bool = False
    provider: str = ""
    model: str = ""
    caution: str = ""
    queued: int = 0
    answers: str = ""
    first_token: float | None = None
    tokens_per_second: float | None = None
    speeds: tuple[float, ...] = ()
    show_sparkline: bool = True
    turn_tokens: int | None = None
    turn_cost: Decimal | None = None
    turn_estimated: bool = False
    session_cost: Decimal | None = None
    session_tokens: int | None = None
    today_cost: Decimal | None = None
    totals_estimated: bool = False
    today_tokens: int | None = None
    context_used: int | None = None
    context_window: int | None = None
    limits: RateLimits | None = None


def lines(status: Status, width: int) -> tuple[list[Span], list[Span]]:
    """The two lines of the strip, each at most ``width`` cells wide."""
    return fit(_first(status), width), fit(_second(status), width)


def _first(status: Status) -> list[Field]:
    fields = []
    if status.simulated:
        fields.append(Field(((Span(" SIMULATED ", "badge"),),)))
    if status.caution:
        fields.append(Field(((Span(" OFFLINE ", "badge"),),)))
    fields.append(Field(((Span(f"● {status.state}", status.tone),),)))
    if status.queued:
        fields.append(Field(((Span(f"{status.queued} queued", "warning"),),)))
    if status.model:
        fields.append(_route(status.model, status.provider))
    if status.caution:
        short = status.caution.rpartition(", ")[2]
        fields.append(Field(((Span(status.caution, "warning"),), (Span(short, "warning"),)), (20,)))
    if status.answers:
        short = status.answers.partition(" ")[0]
        fields.append(Field(((Span(status.answers, "warning"),), (Span(short, "warning"),)), (25,)))
    if status.first_token is not None:
        first = Span(duration(status.first_token))
        variants = ((first, Span(" to first token", "dim")), (first, Span(" first", "dim")), (first,), ())
        fields.append(Field(variants, (20, 60, 90)))
    if status.tokens_per_second is not None:
        fields.append(_speed(status))
    return fields


def _route(model: str, provider: str) -> Field:
    short = Span(model.rpartition("/")[2], "strong")
    by = (Span(f" via {provider}", "dim"),) if provider else ()
    return Field(((Span(model, "strong"), *by), (short, *by), (short,)), (30, 70))


def _speed(status: Status) -> Field:
    fast = Span(speed(status.tokens_per_second), "strong" if status.tone == "busy" else "plain")
    if not status.show_sparkline or not any(status.speeds):
        return Field(((fast,), ()), (95,))
    charts = tuple((fast, Span(" " + sparkline(status.speeds, cells), "good")) for cells in (24, 16, 8))
    return Field((*charts, (fast,), ()), (10, 40, 65, 95))


def _second(status: Status) -> list[Field]:
    fields = []
    if status.turn_tokens is not None:
        fields.append(_turn(status))
    if status.session_cost is not None:
        fields.append(
            _total(
                "session",
                status.session_tokens,
                status.session_cost,
                (15, 80),
                estimated=status.totals_estimated,
            )
        )
    if status.today_cost is not None:
        fields.append(
            _total(
                "today", status.today_tokens, status.today_cost, (16, 75), estimated=status.totals_estimated
            )
        )
    if status.context_used is not None and status.context_window:
        fields.append(_context(status.context_used, status.context_window))
    if status.limits is not None and (room := _room(status.limits)) is not None:
        fields.append(room)
    return fields


def _turn(status: Status) -> Field:
    """An estimate wears a tilde; what is billed says so."""
    mark = "~" if status.turn_estimated else ""
    label, tokens = Span("turn ", "dim"), Span(f"{mark}{count(status.turn_tokens)} tok")
    cost = Span(f" {money(status.turn_cost, estimated=status.turn_estimated)}", "strong")
    short = ((label, tokens, cost), (tokens, cost))
    if status.turn_estimated or status.turn_cost is None:
        return Field(short, (70,))
    return Field(((label, tokens, cost, Span(" billed", "good")), *short), (45, 70))


def _total(
    name: str, tokens: int | None, cost: Decimal, losses: tuple[int, int], *, estimated: bool
) -> Field:
    label, amount = Span(f"{name} ", "dim"), Span(money(cost, estimated=estimated))
    if tokens is None:
        return Field(((label, amount), ()), losses[1:])
    counted = Span(f"{'~' if estimated else ''}{count(tokens)} tok ")
    return Field(((label, counted, amount), (label, amount), ()), losses)


def _context(used: int, window: int) -> Field:
    fraction = used / window
    tone: Tone = "error" if fraction >= 0.95 else "warning" if fraction >= 0.8 else "plain"
    percent = Span(f"{fraction:.0%}" if fraction >= 0.01 or not used else "<1%", tone)
    label, of = Span("context ", "dim"), Span(f" of {count(window)}", "dim")
    cells = min(_BAR, max(1, round(fraction * _BAR))) if used else 0
    filled = Span("━" * cells, "good" if tone == "plain" else tone)
    rest = Span("─" * (_BAR - cells) + " ", "dim")
    return Field(
        (
            (label, filled, rest, percent, of),
            (label, percent, of),
            (label, percent),
            (Span("ctx ", "dim"), percent),
        ),
        (22, 35, 50),
    )


def _room(limits: RateLimits) -> Field | None:
    """Groq's headers count requests a day and tokens a minute."""
    long: list[Span] = []
    short: list[Span] = []
    for left, limit, long_unit, short_unit in (
        (limits.remaining_requests, limits.limit_requests, " requests/day", " req"),
        (limits.remaining_tokens, limits.limit_tokens, " tokens/min", " tok"),
    ):
        if left is None:
            continue
        gap = [Span(" · ", "dim")] if long else []
        room = Span(count(left), "warning" if limit and left <= limit * 0.1 else "plain")
        long += [*gap, room, Span(long_unit, "dim")]
        short += [*gap, room, Span(short_unit, "dim")]
    if not long:
        return None
    left_word = Span(" left", "dim")
    return Field(((*long, left_word), tuple(long), (*short, left_word), ()), (12, 28, 55))
