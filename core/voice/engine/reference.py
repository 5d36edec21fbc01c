"""What the speaker played, laid beside what the microphone hears."""

from __future__ import annotations

import numpy as np

from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.engine.resampling import Downsampler
from core.voice.engine.speaker import Speaker

__all__ = ("Reference",)

_MARGIN = 0.015
"""Seconds the reference may lag behind the hand-over to the device: a block and its jitter, so that it is
always there, and less than any sound takes through two devices, so that no echo precedes it."""
_USUAL_LATENCY = 0.06
"""Seconds of a speaker's reported latency that are not allowed for: what is reported may be too much, and
a canceller finds an echo that is late but none that comes before its sound."""
_DRIFT = 0.02
"""Seconds of misalignment from which on it is aligned anew, or that may be missing of it unnoticed."""
_LOOK_AHEAD = 0.003


class Reference:
    """The far end for an echo canceller, sample by sample beside the microphone's.

    Args:
        speaker: whose sound it is.

    Attributes:
        disturbances: times the two streams had shifted, or sound was played that came too late to be
            laid beside the microphone. After each the canceller may have to learn again.
    """

    def __init__(self, speaker: Speaker) -> None:
        self.speaker = speaker
        self._ratio = speaker.rate / SAMPLE_RATE
        self._ready: Samples = np.zeros(0, np.float32)
        self._owed = 0
        self._resting = False
        self.disturbances = 0
        self._begin(0)

    def beside(self, count: int, delivered: float) -> Samples:
        """What belongs to ``count`` samples, of which the last was handed over at ``delivered``."""
        speaker = self.speaker
        late = max(0.0, speaker.latency - _USUAL_LATENCY)
        end = speaker.clock.position_at(delivered - _MARGIN - late)
        expected = self._origin + (self._given + count) * self._ratio
        if abs(end - expected) > _DRIFT * speaker.rate:
            self.disturbances += 1
            self._begin(round(end - count * self._ratio))
            expected = end
        elif self._resting:
            self._begin(round(expected - count * self._ratio))
        self._read_until(round(expected + _LOOK_AHEAD * speaker.rate))
        self._given += count
        self._ready = self._ready[self._owed :]
        found, self._ready = self._ready[:count], self._ready[count:]
        self._owed = count - len(found)
        self.disturbances += self._owed > _DRIFT * SAMPLE_RATE
        return np.concatenate((found, np.zeros(self._owed, np.float32))) if self._owed else found

    def pass_over(self, count: int) -> None:
        """Nothing belongs to the next ``count`` samples of the microphone: there is silence."""
        self._given += count
        self._resting = True

    def _begin(self, position: int) -> None:
        played = self.speaker.played
        self._origin = self._cursor = max(position, played.oldest, 0)
        self._given = 0
        self._owed = 0
        self._resting = False
        self._ready = np.zeros(0, np.float32)
        self._downsampler = Downsampler(self.speaker.rate)

    def _read_until(self, position: int) -> None:
        count = min(position, self.speaker.played.written) - self._cursor
        if count > 0:
            played = np.empty(count, np.float32)
            self.speaker.played.copy(self._cursor, played)
            self._cursor += count
            self._ready = np.concatenate((self._ready, self._downsampler.convert(played)))
