"""What becomes of the microphone's sound: echo taken out, kept, and judged 32 ms at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from core.voice.audio import FRAME_SAMPLES, SAMPLE_RATE, Frame, Samples
from core.voice.engine.echo import EchoPolicy
from core.voice.engine.events import MicrophoneTrouble
from core.voice.engine.kept_sound import KeptSound
from core.voice.engine.microphone import Captured
from core.voice.engine.speaker import Speaker
from core.voice.engine.trouble import TroubleFinder

__all__ = ("Listening",)

_UNIT = SAMPLE_RATE // 100
"""Samples the echo canceller works in."""


class Listening:
    """The microphone's side of the engine; runs on the engine's thread.

    Args:
        activity: how likely somebody speaks in a frame.
        kept: where the sound is kept.

    Attributes:
        analysing: whether frames are judged and reported.
        level: loudness of the latest frame.
        echo: what is done about the assistant's own voice.
    """

    def __init__(self, activity: Callable[[Samples], float], kept: KeptSound, echo: EchoPolicy) -> None:
        self.analysing = False
        self.level = 0.0
        self.echo = echo
        self._activity = activity
        self._kept = kept
        self._trouble = TroubleFinder()
        self._uncleaned = np.zeros(0, np.float32)
        self._unframed = np.zeros(0, np.float32)
        self._latest = -math.inf

    def begin(self) -> None:
        """Another microphone is used from now on."""
        self._trouble = TroubleFinder()
        self._uncleaned = self._unframed = np.zeros(0, np.float32)

    def hear(self, captured: Captured, speaker: Speaker | None) -> Iterator[Frame | MicrophoneTrouble]:
        """Take in what was captured; the frames it completes, and what is wrong with it."""
        yield from self._trouble.look(captured.samples, captured.lost)
        joined = np.concatenate((self._uncleaned, captured.samples))
        whole = len(joined) // _UNIT * _UNIT
        self._uncleaned = joined[whole:]
        if whole:
            rest = len(self._uncleaned) / SAMPLE_RATE
            near = Captured(joined[:whole], captured.delivered - rest, captured.heard - rest, captured.lost)
            cleaned = self.echo.clean(near, speaker)
            self._kept.append(cleaned, near.heard)
            yield from self._frames(cleaned, near.heard)

    def _frames(self, cleaned: Samples, heard: float) -> Iterator[Frame]:
        joined = np.concatenate((self._unframed, cleaned))
        whole = len(joined) // FRAME_SAMPLES * FRAME_SAMPLES
        self._unframed = joined[whole:]
        for end in range(FRAME_SAMPLES, whole + 1, FRAME_SAMPLES):
            frame = joined[end - FRAME_SAMPLES : end]
            self.level = float(np.sqrt(np.dot(frame, frame) / FRAME_SAMPLES))
            if self.analysing:
                at = heard - (len(joined) - end) / SAMPLE_RATE
                self._latest = max(at, self._latest)  # a stream's clock may find that it ran late
                speech = self._activity(frame)
                yield Frame(self._latest, speech if self.echo.may_be_user(at) else 0.0, self.level)
