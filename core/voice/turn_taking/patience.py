"""How long this user pauses in the middle of a turn, learned from the pauses themselves."""

from __future__ import annotations

__all__ = ("Patience",)

_LEAST_PAUSES = 3
"""Pauses that must be known before they change the wait."""

_SHORTEST = 0.5
"""The part of the setting that the wait never falls below."""

_WEIGHT = 0.25
"""How much the newest pause counts in the running averages."""


class Patience:
    """The wait for an unfinished sentence: the setting, or less for somebody who never needs as much.

    Somebody who goes on after 0.3 s, always, need not wait 1.5 s for each answer. The wait is the
    average pause plus four times its mean deviation, the rule by which TCP sets its time-outs
    (RFC 6298), between half of the setting and the setting.

    Nor is a sentence of somebody who pauses for longer between sentences taken as the last of them
    before an average pause is over.
    """

    __slots__ = ("_average", "_deviation", "_longest", "_pauses")

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._pauses = 0
        self._average = 0.0
        self._deviation = 0.0

    @property
    def seconds(self) -> float:
        """How long to wait for an unfinished sentence now."""
        if self._pauses < _LEAST_PAUSES:
            return self._longest
        wait = self._average + 4 * self._deviation
        return min(max(wait, _SHORTEST * self._longest), self._longest)

    def wait(self, part: float) -> float:
        """Seconds to wait where the words ask for this part, from 0 to 1, of the patience."""
        if part == 0:
            return 0.0
        wait = min(part * self._longest, self.seconds)
        return max(wait, self._average) if self._pauses >= _LEAST_PAUSES else wait

    def resumed_after(self, pause: float) -> None:
        """The user went on after a pause of so many seconds."""
        pause = min(max(pause, 0.0), self._longest)
        if self._pauses == 0:
            self._average, self._deviation = pause, pause / 2
        else:
            self._deviation += _WEIGHT * (abs(pause - self._average) - self._deviation)
            self._average += _WEIGHT * (pause - self._average)
        self._pauses += 1
