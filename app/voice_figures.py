"""The spoken turns of a session added up, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.figures import duration

if TYPE_CHECKING:
    from core.costs.voice_turns import VoiceFigures

__all__ = ("spoken_turns",)


def spoken_turns(figures: VoiceFigures) -> str:
    """How many there were, and how quick: the median and the 95th percentile of the whole wait."""
    turns = "1 spoken turn" if figures.turns == 1 else f"{figures.turns} spoken turns"
    if figures.total is None:
        return turns
    median, slowest = duration(figures.total.p50), duration(figures.total.p95)
    return f"{turns} · to the first sound: half within {median}, 95 % within {slowest}"
