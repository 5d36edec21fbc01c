"""Whether the speaker can be heard in the microphone at all."""

from __future__ import annotations

from collections import deque

from core.voice.audio import SAMPLE_RATE

__all__ = ("EchoPath",)

_LOUD = 1e-5
"""Mean square of a second in which the assistant speaks, at any volume one can hear."""
_SILENT = 1e-8
_ABOVE_NOISE = 4.0
"""Power to the noise's from which on something is heard besides it: 6 dB."""
_FAINT = 1e-7
"""Mean square below which nothing is taken for speech, however quiet the room: -70 dB."""
_REMEMBERED_NOISE = 30
_REMEMBERED_ECHO = 8
"""Seconds. Who speaks over the assistant for longer than that could be its echo."""


class EchoPath:
    """Compares the microphone while the assistant speaks with the microphone while all is silent.

    With headphones the two are alike. Then there is nothing to cancel, and a canceller would only take
    parts of the user's voice for echo.
    """

    def __init__(self) -> None:
        self._near = self._far = 0.0
        self._samples = 0
        self._before: tuple[float, float] | None = None
        self._noise: deque[float] = deque(maxlen=_REMEMBERED_NOISE)
        self._echo: deque[float] = deque(maxlen=_REMEMBERED_ECHO)

    @property
    def open(self) -> bool:
        """Whether it can be heard, or may be for all that is known."""
        if not self._noise or not self._echo:
            return True
        return min(self._echo) > max(_ABOVE_NOISE * min(self._noise), _FAINT)

    def forget(self) -> None:
        """Another speaker is in use: it may be heard where the last was not."""
        self._echo.clear()
        self.skip()

    def skip(self) -> None:
        """The present second tells nothing: what was played in it is not known for certain."""
        self._near = self._far = 0.0
        self._samples = 0
        self._before = None

    def add(self, near: float, far: float, samples: int) -> None:
        """Mean squares of the next piece of the microphone, and of what was played beside it."""
        self._near += near * samples
        self._far += far * samples
        self._samples += samples
        if self._samples >= SAMPLE_RATE:
            self._second(self._near / self._samples, self._far / self._samples)
            self._near = self._far = 0.0
            self._samples = 0

    def _second(self, near: float, far: float) -> None:
        """An echo is late: that of one second may sound in the next."""
        before, self._before = self._before, (near, far)
        if before is None:
            return
        before_near, before_far = before
        if before_far > _LOUD:
            self._echo.append(max(before_near, near))
        if far < _SILENT and before_far < _SILENT:
            self._noise.append(near)
