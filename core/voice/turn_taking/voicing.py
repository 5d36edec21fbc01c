"""Speech or silence, followed from frame to frame."""

from __future__ import annotations

from math import inf

from core.voice.audio import FRAME_SECONDS
from core.voice.turn_taking.policy import TurnPolicy

__all__ = ("Voicing",)


class Voicing:
    """Turns the probabilities of frames into runs of speech, with hysteresis.

    Attributes:
        policy: what counts as speech.
        run: frames of speech in a row, up to the latest.
        onset: when the latest run began.
        spoke_until: when speech was last heard; a single frame is a click, not speech.
        heard_until: the end of the latest frame.
        speech: how likely somebody speaks in it, from 0 to 1.
    """

    __slots__ = ("_ignoring", "heard_until", "onset", "policy", "run", "speech", "spoke_until")

    def __init__(self, policy: TurnPolicy) -> None:
        self.policy = policy
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self.run = 0
        self.onset = -inf
        self.spoke_until = -inf
        self.heard_until = -inf
        self.speech = 0.0
        self._ignoring = False

    def ignore_until_pause(self) -> None:
        """What is being said now does not count; the next that is said after a pause does."""
        self._ignoring = self.run > 0
        self.run = 0

    def hear(self, at: float, speech: float) -> None:
        """Take the frame that ended at this time."""
        self.heard_until, self.speech = at, speech
        threshold = self.policy.speech_goes_on if self.run or self._ignoring else self.policy.speech
        voiced = speech >= threshold
        if self._ignoring:
            self._ignoring = voiced or self.silence < self.policy.endpoint_silence
            self.spoke_until = at if voiced else self.spoke_until
            return
        if not voiced:
            self.run = 0
            return
        self.run += 1
        if self.run == 1:
            self.onset = at - FRAME_SECONDS
        if self.speaking:
            self.spoke_until = at

    @property
    def shortest_run(self) -> int:
        """Frames in a row that are speech; fewer are a click."""
        return self.policy.resume_frames

    @property
    def speaking(self) -> bool:
        """Whether somebody speaks in the latest frames."""
        return self.run >= self.shortest_run

    @property
    def silence(self) -> float:
        """Seconds between the last speech and the latest frame; infinite before any speech."""
        return self.heard_until - self.spoke_until if self.spoke_until > -inf else inf
