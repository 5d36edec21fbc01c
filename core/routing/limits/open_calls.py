"""Calls on their way under one key, each in its own process and summed up for the others."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ("OpenCalls", "Reservation")


@dataclass(slots=True, eq=False)
class Reservation:
    """What is set aside for one call.

    Attributes:
        tokens: prompt, as a careful estimate has it, and output cap.
        doubt: tokens by which the prompt may be shorter than that.
        at: when it was made, on the clock.
        taken_before: tokens that all calls had taken by then, this one not among them.
        returned_before: tokens of those that had been given back by then.
        requests_before: calls that the provider had taken by then.
        admitted: whether the provider is known to have taken the call.
        told: whether its headers are known.
        open: whether the call is still on its way.
    """

    tokens: float
    doubt: float
    at: float
    taken_before: float
    returned_before: float
    requests_before: int
    admitted: bool = False
    told: bool = False
    open: bool = True


@dataclass(slots=True)
class OpenCalls:
    """The calls on their way of one process.

    Attributes:
        unconfirmed: how many of them the provider is not known to have taken yet.
        held: tokens set aside for those.
        confirmed: how many it has taken.
        admitted: tokens that those have taken.
        latest: when the last of them began, on the clock.
    """

    unconfirmed: int = 0
    held: float = 0.0
    confirmed: int = 0
    admitted: float = 0.0
    latest: float = -math.inf

    def __bool__(self) -> bool:
        return bool(self.unconfirmed or self.confirmed)

    @property
    def tokens(self) -> float:
        """Of all of them."""
        return self.held + self.admitted

    def begun(self, made: Reservation) -> None:
        """One more."""
        self.unconfirmed += 1
        self.held += made.tokens
        self.latest = max(self.latest, made.at)

    def confirm(self, made: Reservation) -> None:
        """The provider has taken it."""
        made.admitted = True
        self.unconfirmed -= 1
        self.held = self.held - made.tokens if self.unconfirmed else 0.0
        self.confirmed += 1
        self.admitted += made.tokens

    def confirm_all(self) -> None:
        """The provider has taken all of them."""
        self.confirmed += self.unconfirmed
        self.admitted += self.held
        self.unconfirmed, self.held = 0, 0.0

    def lower(self, made: Reservation, tokens: float) -> None:
        """One that was taken needs so many tokens less."""
        made.tokens -= tokens
        made.doubt -= tokens
        self.admitted -= tokens

    def over(self, made: Reservation) -> None:
        """One less."""
        made.open = False
        if made.admitted:
            self.confirmed -= 1
            self.admitted = self.admitted - made.tokens if self.confirmed else 0.0
        else:
            self.unconfirmed -= 1
            self.held = self.held - made.tokens if self.unconfirmed else 0.0
