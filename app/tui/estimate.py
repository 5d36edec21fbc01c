"""What a prompt will ask of limits and budgets, before it is sent; in as many words as there is room for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from app.figures import count, money
from app.tui.fitting import Field, Span, fit

__all__ = ("Estimate", "estimate_in_words")

_SOON = 0.05
"""Seconds; what has room by then fits now."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One prompt on its way to the route that would answer it.

    Attributes:
        prompt_tokens: about, with the conversation before it.
        output_cap: tokens that the answer may have at most; ``None`` where it is not capped.
        cost: US dollars at most; ``None`` where the price is unknown.
        label: who is asked, by the name for people.
        ready_in: seconds until there is room for it; infinite where there never is.
        left: US dollars that the tightest hard limit leaves; ``None`` without one.
        has_files: files are named whose text is not counted yet.
    """

    prompt_tokens: int
    output_cap: int | None
    cost: Decimal | None
    label: str
    ready_in: float
    left: Decimal | None = None
    has_files: bool = False


def estimate_in_words(estimate: Estimate, width: int) -> str:
    """At most ``width`` cells; what says least goes first, and nothing is left where nothing fits."""
    return "".join(span.text for span in fit([_tokens(estimate), _money(estimate), _room(estimate)], width))


def _tokens(estimate: Estimate) -> Field:
    prompt = f"~{count(estimate.prompt_tokens)}{' + files' if estimate.has_files else ''}"
    if estimate.output_cap is None:
        return _field((f"{prompt} tokens", f"{prompt} tok"), (20, 60))
    cap = count(estimate.output_cap)
    return _field((f"{prompt} + up to {cap} tokens", f"{prompt} + {cap} tok"), (20, 60))


def _money(estimate: Estimate) -> Field:
    if estimate.cost is None:
        return _field(("price unknown",), (30,))
    return _field((f"at most {money(estimate.cost)}", f"≤ {money(estimate.cost)}"), (15, 50))


def _room(estimate: Estimate) -> Field:
    """What keeps it, if anything does: money first, since waiting does not bring any."""
    if estimate.left is not None and (estimate.cost is None or estimate.cost > estimate.left):
        return _field((f"budget leaves {money(estimate.left)}",), (90,))
    if math.isinf(estimate.ready_in):
        return _field((f"too large for {estimate.label}",), (90,))
    if estimate.ready_in >= _SOON:
        return _field((f"{estimate.label} ready in {estimate.ready_in:.1f} s",), (90,))
    return _field(("fits now",), (10,))


def _field(texts: tuple[str, ...], losses: tuple[int, ...]) -> Field:
    return Field((*((Span(text),) for text in texts), ()), losses)
