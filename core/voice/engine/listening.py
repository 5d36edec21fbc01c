"""What becomes of the microphone's sound: echo taken out, kept, and judged 32 ms at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from core.voice.audio import FRAME_SAMPLES, SAMPLE_RATE, Frame, Samples
from core.voice.engine.kept_sound import KeptSound
from core.voice.engine.microphone import Captured

__all__ = ("Listening",)


class Listening:
    """The microphone's side of the engine; runs on the engine's thread.

    Args:
        activity: how likely somebody speaks in a frame.
        kept: where the sound is kept.

    Attributes:
        analysing: whether frames are judged and reported.
        level: loudness of the latest frame.
    """

    def __init__(self, activity: Callable[[Samples], float], kept: KeptSound) -> None:
        self.analysing = False
        self.level = 0.0
        self._activity = activity
        self._kept = kept
        self._unframed = np.zeros(0, np.float32)

    def hear(self, captured: Captured) -> Iterator[Frame]:
        """Take in what was captured; the frames that it completes."""
        samples = captured.samples
        self._kept.append(samples, captured.heard)
        joined = np.concatenate((self._unframed, samples))
        whole = len(joined) // FRAME_SAMPLES * FRAME_SAMPLES
        self._unframed = joined[whole:]
        for end in range(FRAME_SAMPLES, whole + 1, FRAME_SAMPLES):
            frame = joined[end - FRAME_SAMPLES : end]
            self.level = float(np.sqrt(np.dot(frame, frame) / FRAME_SAMPLES))
            if self.analysing:
                at = captured.heard - (len(joined) - end) / SAMPLE_RATE
                yield Frame(at, self._activity(frame), self.level)
