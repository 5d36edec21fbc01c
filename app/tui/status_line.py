"""What the status strip says, and how it shrinks: pure, so that every width can be tested."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from app.tui.figures import bar, count, duration, money, sparkline, speed

if TYPE_CHECKING:
    from core.chat.usage import RateLimits

__all__ = ("Field", "Span", "Status", "Tone", "lines")

Tone = Literal["plain", "dim", "strong", "good", "busy", "warning", "error", "badge"]

_GAP = 3


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one tone."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Field:
    """One fact in several widths, widest first; an empty variant leaves it out.

    ``worth`` orders the shrinking: the least worthy field shrinks first.
    """

    worth: int
    variants: tuple[tuple[Span, ...], ...]


@dataclass(frozen=True, slots=True)
class Status:
    """Everything the strip can show; ``None`` is unknown and is left out or dashed."""

    state: str = "Ready"
    tone: Tone = "dim"
    simulated: bool = False
    provider: str = ""
    model: str = ""
    queued: int = 0
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
    today_tokens: int | None = None
    context_used: int | None = None
    context_window: int | None = None
    limits: RateLimits | None = None


def lines(status: Status, width: int) -> tuple[list[Span], list[Span]]:
    """The two lines of the strip, each at most ``width`` cells wide."""
    return _fit(_first(status), width), _fit(_second(status), width)


def _first(status: Status) -> list[Field]:
    fields = []
    if status.simulated:
        fields.append(Field(100, ((Span(" SIMULATED ", "badge"),),)))
    state = Span(f"● {status.state}", status.tone)
    fields.append(Field(90, ((state,),)))
    if status.queued:
        fields.append(Field(60, ((Span(f"{status.queued} queued", "warning"),),)))
    if status.model:
        short = status.model.rpartition("/")[2]
        by = (Span(f" via {status.provider}", "dim"),) if status.provider else ()
        fields.append(
            Field(
                80,
                ((Span(status.model, "strong"), *by), (Span(short, "strong"), *by), (Span(short, "strong"),)),
            )
        )
    first = duration(status.first_token)
    fields.append(
        Field(50, ((Span(first), Span(" to first token", "dim")), (Span(first), Span(" first", "dim")), ()))
    )
    fast = Span(speed(status.tokens_per_second), "strong" if status.tone == "busy" else "plain")
    sparks = tuple(
        (fast, Span(" " + sparkline(status.speeds, cells), "good"))
        for cells in (24, 16, 8)
        if status.show_sparkline and status.speeds
    )
    fields.append(Field(40, (*sparks, (fast,))))
    return fields


def _second(status: Status) -> list[Field]:
    fields = []
    turn = "turn"
    if status.turn_tokens is not None:
        mark = "~" if status.turn_estimated else ""
        tokens = Span(f"{mark}{count(status.turn_tokens)} tok", "plain")
        cost = Span(f" {money(status.turn_cost, estimated=status.turn_estimated)}", "strong")
        billed = () if status.turn_estimated or status.turn_cost is None else (Span(" billed", "good"),)
        fields.append(
            Field(
                70,
                (
                    (Span(f"{turn} ", "dim"), tokens, cost, *billed),
                    (Span(f"{turn} ", "dim"), tokens, cost),
                    (tokens, cost),
                ),
            )
        )
    if status.session_cost is not None:
        fields.append(_total(60, "session", status.session_tokens, status.session_cost))
    if status.today_cost is not None:
        fields.append(_total(55, "today", status.today_tokens, status.today_cost))
    if status.context_used is not None and status.context_window:
        fields.append(_context(status.context_used, status.context_window))
    if status.limits is not None and (room := _room(status.limits)) is not None:
        fields.append(room)
    return fields


def _total(worth: int, name: str, tokens: int | None, cost: Decimal) -> Field:
    label, amount = Span(f"{name} ", "dim"), Span(money(cost))
    if tokens is None:
        return Field(worth, ((label, amount), ()))
    return Field(worth, ((label, Span(f"{count(tokens)} tok "), amount), (label, amount), ()))


def _context(used: int, window: int) -> Field:
    fraction = used / window
    tone: Tone = "error" if fraction >= 0.95 else "warning" if fraction >= 0.8 else "plain"
    percent = f"{fraction:.0%}" if fraction >= 0.01 or not used else "<1%"
    label = Span("context ", "dim")
    return Field(
        65,
        (
            (
                label,
                Span(bar(fraction, 8), "good" if tone == "plain" else tone),
                Span(f" {percent}", tone),
                Span(f" of {count(window)}", "dim"),
            ),
            (label, Span(percent, tone), Span(f" of {count(window)}", "dim")),
            (label, Span(percent, tone)),
            (Span("ctx ", "dim"), Span(percent, tone)),
        ),
    )


def _room(limits: RateLimits) -> Field | None:
    """Groq's headers count requests a day and tokens a minute."""
    parts: list[tuple[Span, ...]] = []
    short: list[Span] = []
    low: Tone = "plain"
    for left, limit, long_unit, short_unit in (
        (limits.remaining_requests, limits.limit_requests, " requests/day", "req"),
        (limits.remaining_tokens, limits.limit_tokens, " tokens/min", "tok"),
    ):
        if left is None:
            continue
        low = "warning" if limit and left <= limit * 0.1 else "plain"
        gap = (Span(" · ", "dim"),) if parts else ()
        parts.append((*gap, Span(count(left), low), Span(long_unit, "dim")))
        short += [*gap, Span(count(left), low), Span(f" {short_unit}", "dim")]
    if not parts:
        return None
    long = tuple(span for part in parts for span in part)
    return Field(30, ((*long, Span(" left", "dim")), long, (*short, Span(" left", "dim")), ()))


def _fit(fields: list[Field], width: int) -> list[Span]:
    """Shrink the least worthy field first until the line fits; cut it where nothing else helps."""
    chosen = [0] * len(fields)
    order = sorted(range(len(fields)), key=lambda index: fields[index].worth)
    while (spans := _joined(fields, chosen)) and sum(len(span.text) for span in spans) > width:
        shrinkable = [index for index in order if chosen[index] + 1 < len(fields[index].variants)]
        if not shrinkable:
            break
        widest_step = min(shrinkable, key=lambda index: (chosen[index], fields[index].worth))
        chosen[widest_step] += 1
    return _cut(spans, width)


def _joined(fields: list[Field], chosen: list[int]) -> list[Span]:
    spans: list[Span] = []
    for field, variant in zip(fields, chosen, strict=True):
        if not field.variants[variant]:
            continue
        if spans:
            spans.append(Span(" " * _GAP))
        spans.extend(field.variants[variant])
    return spans


def _cut(spans: list[Span], width: int) -> list[Span]:
    kept: list[Span] = []
    room = width
    for span in spans:
        if len(span.text) > room:
            if room > 1:
                kept.append(Span(span.text[: room - 1] + "…", span.tone))
            break
        kept.append(span)
        room -= len(span.text)
    return kept
