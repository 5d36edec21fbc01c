"""The latency receipt of a spoken turn, as the transcript shows it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from app.figures import duration, money

if TYPE_CHECKING:
    from core.voice.receipt import Receipt

__all__ = ("receipt_line",)


def receipt_line(receipt: Receipt) -> str:
    """One line: the parts in their order, what they add up to, and what guessing ahead has cost."""
    parts = [
        f"{name} {duration(seconds)}"
        for name, seconds in (
            ("endpoint", receipt.endpoint),
            ("transcript", receipt.transcript),
            ("first token", receipt.first_token),
            ("voice", receipt.first_audio),
        )
        if seconds is not None
    ]
    line = " + ".join(parts)
    if receipt.total is not None:
        line = f"{duration(receipt.total)} to first sound: {line}"
    return " · ".join(part for part in (line, _speculation(receipt)) if part)


def _speculation(receipt: Receipt) -> str:
    if not receipt.speculated:
        return ""
    if not receipt.discarded:
        return "what was done ahead was used"
    told = f"{receipt.discarded} of {receipt.speculated} done ahead discarded"
    cost = receipt.speculation_cost
    return told if cost == Decimal(0) else f"{told}, {money(cost, estimated=True)}"
