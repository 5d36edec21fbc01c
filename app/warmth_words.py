"""How warm the way to a provider is, in words."""

from __future__ import annotations

from core.providers import Warmth

__all__ = ("warmth_in_a_word", "warmth_in_words")


def warmth_in_a_word(warmth: Warmth) -> str:
    """``warm`` where the next call waits for no handshake."""
    return "warm" if warmth.in_reserve else "in use" if warmth.in_use else "cold"


def warmth_in_words(warmth: Warmth) -> str:
    """How many connections there are, and what that means for the next call."""
    if not warmth.in_reserve and not warmth.in_use:
        return "cold: the next call opens one"
    in_use = f", {warmth.in_use} in use" if warmth.in_use else ""
    if not warmth.in_reserve:
        return f"none in reserve{in_use}"
    return f"warm: {warmth.in_reserve} in reserve{in_use}"
