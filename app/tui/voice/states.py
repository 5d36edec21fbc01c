"""Groups of the voice loop's states."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.voice.turn_taking.actions import State

__all__ = ("HEARD", "METERED")

HEARD: frozenset[State] = frozenset({"recording", "closing"})
"""Somebody speaks or has just stopped."""

METERED: frozenset[State] = HEARD | {"listening"}
"""What the microphone hears matters."""
