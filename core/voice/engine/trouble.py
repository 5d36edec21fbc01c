"""What can be wrong with a microphone that works: found in its sound."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Literal

import numpy as np

from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.engine.events import MicrophoneTrouble

__all__ = ("TroubleFinder",)

_Kind = Literal["zeros", "clipping", "narrow", "overruns"]

_ZEROS = 3.0
"""Seconds of exact silence: a microphone that works has noise in every one, unless its noise is gated."""
_ZEROS_AFTER_SOUND = 60.0
"""The same of one that has given sound: a gate lets nothing through while nobody speaks."""
_FULL_SCALE = 0.985
_CLIPPED = 0.01
"""Part of a second's samples at full scale: a shout has a few, an overdriven microphone many."""
_LOUD = 0.01
"""Root mean square from which on a second has a voice in it, and its spectrum tells something."""
_VOICE = (300, 3_400)
_ABOVE_TELEPHONE = (4_300, 7_500)
_NARROW = 1e-6
"""Power above 4 kHz to power of the voice; noise alone is above it, but for a source of 8 kHz."""
_NARROW_SECONDS = 2
_OVERRUNS = 3
"""Losses within ten seconds."""
_WINDOW = 10
"""Seconds without it after which a trouble is over, and would be said again."""

_ZERO_HINTS = {
    "darwin": "Allow the terminal under System Settings > Privacy & Security > Microphone, and restart it.",
    "win32": "Allow desktop apps under Settings > Privacy & security > Microphone.",
}
_HINTS: dict[_Kind, str] = {
    "zeros": _ZERO_HINTS.get(sys.platform, "It may be muted: pactl set-source-mute @DEFAULT_SOURCE@ 0"),
    "clipping": "Turn its level down in the system's sound settings, or move away from it.",
    "narrow": "A headset in call quality: choose the built-in microphone and keep the headset to listen.",
    "overruns": "This machine is too busy to listen without gaps; close other programs.",
}


class TroubleFinder:
    """Looks at a microphone second by second and says each trouble once, until it is over."""

    def __init__(self) -> None:
        self._second = np.zeros(0, np.float32)
        self._seconds = 0
        self._zeros = 0
        self._has_sounded = False
        self._narrow = 0
        self._lost_at: list[int] = []
        self._seen: dict[_Kind, int] = {}

    def look(self, samples: Samples, lost: int) -> Iterator[MicrophoneTrouble]:
        """The next samples at 16 kHz, before which ``lost`` times something was lost."""
        self._lost_at += [self._seconds] * lost
        self._second = np.concatenate((self._second, samples))
        while len(self._second) >= SAMPLE_RATE:
            second, self._second = self._second[:SAMPLE_RATE], self._second[SAMPLE_RATE:]
            self._seconds += 1
            for kind in self._kinds(second):
                if self._is_news(kind):
                    yield MicrophoneTrouble(kind, _HINTS[kind])

    def _kinds(self, second: Samples) -> Iterator[_Kind]:
        loudest = np.abs(second)
        sounds = bool(loudest.any())
        self._has_sounded = self._has_sounded or sounds
        self._zeros = 0 if sounds else self._zeros + 1
        if self._zeros >= (_ZEROS_AFTER_SOUND if self._has_sounded else _ZEROS):
            yield "zeros"
        if np.mean(loudest >= _FULL_SCALE) >= _CLIPPED:
            yield "clipping"
        if math.sqrt(float(np.mean(second**2))) >= _LOUD:
            self._narrow = self._narrow + 1 if _is_narrow(second) else 0
        if self._narrow >= _NARROW_SECONDS:
            yield "narrow"
        self._lost_at = [at for at in self._lost_at if at > self._seconds - _WINDOW]
        if len(self._lost_at) >= _OVERRUNS:
            yield "overruns"

    def _is_news(self, kind: _Kind) -> bool:
        before = self._seen.get(kind, -math.inf)
        self._seen[kind] = self._seconds
        return self._seconds - before > _WINDOW


def _is_narrow(second: Samples) -> bool:
    power = np.abs(np.fft.rfft(second * np.hanning(len(second)))) ** 2  # one bin a hertz
    return float(power[slice(*_ABOVE_TELEPHONE)].sum()) < _NARROW * float(power[slice(*_VOICE)].sum())
