"""How warm the way to a provider is."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ("Warmth",)


@dataclass(frozen=True, slots=True)
class Warmth:
    """The connections to a provider at one moment, from this process.

    Attributes:
        in_use: that calls have.
        in_reserve: that rest, so that the next call waits for no handshake.
    """

    in_use: int = 0
    in_reserve: int = 0
