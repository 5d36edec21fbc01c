"""A turn is transcribed stretch by stretch: a long one would keep the user waiting for all of it."""

from __future__ import annotations

from math import inf

from core.voice.turn_taking.policy import TurnPolicy
from core.voice.turn_taking.voicing import Voicing

__all__ = ("Stretch",)


class Stretch:
    """The speech of a turn that comes after the latest transcript which is kept.

    Attributes:
        since: when it began; ``None`` before any speech.
        quietest: the moment at which it is least likely that somebody spoke, once it is long enough.
    """

    __slots__ = ("_least_speech", "quietest", "since")

    def __init__(self, since: float | None = None) -> None:
        self.since = since
        self.quietest: float | None = None
        self._least_speech = inf

    def length(self, until: float) -> float:
        """Seconds from its first speech up to a time."""
        return 0.0 if self.since is None else until - self.since

    def hear(self, voicing: Voicing) -> None:
        """Take the latest frame."""
        if self.since is None and voicing.speaking:
            self.since = voicing.onset
        long_enough = self.length(voicing.heard_until) >= voicing.policy.stretch
        if long_enough and voicing.speech <= self._least_speech:
            self.quietest, self._least_speech = voicing.heard_until, voicing.speech

    def ends(self, policy: TurnPolicy, *, until: float, pause: float) -> bool:
        """Whether it may end here and its transcript be kept: the longer it is, the shorter the pause."""
        length = self.length(until)
        enough = policy.stretch_breath if length >= policy.stretch_long else policy.stretch_pause
        return length >= policy.stretch and pause >= enough
