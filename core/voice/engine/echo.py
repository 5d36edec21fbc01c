"""What is done about the assistant's own voice in the microphone."""

from __future__ import annotations

import math
from typing import Literal, Protocol

import numpy as np

from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.engine.echo_path import EchoPath
from core.voice.engine.microphone import Captured
from core.voice.engine.reference import Reference
from core.voice.engine.speaker import Speaker

__all__ = ("CancelEcho", "Echo", "EchoPolicy", "LetEchoIn", "RestMicrophone")

Echo = Literal["cancel", "half_duplex", "off"]

_ROOM = 0.1
"""Seconds a room goes on sounding, and a device is later than it says."""
_TAIL = 0.3
"""Seconds after its own voice in which a half-duplex microphone takes nothing for speech."""
_ECHO_ENDS = 1.0
"""Seconds after the last sound that are still put through the canceller: the longest echo it finds."""
_SETTLING = 2.0
"""Seconds of sound a canceller needs to learn a room, also anew where a stream stumbled or the two
shifted; until then echo may pass for speech, and nothing is taken for it."""
_FORGETTING = 0.98
"""Weight of the past in the measured reduction, 10 ms ago; a mean over about half a second."""
_AUDIBLE = 1e-7
"""Mean square from which on an echo is worth measuring: -70 dB."""


class EchoPolicy(Protocol):
    """One way to deal with echo; called on the engine's thread only."""

    @property
    def reduction(self) -> float | None:
        """By how many decibels echo is made softer; ``None`` while there is nothing to tell it from."""

    def clean(self, near: Captured, speaker: Speaker | None) -> Samples:
        """The microphone's sound, a multiple of 10 ms, with the echo of ``speaker`` dealt with."""

    def may_be_user(self, heard: float) -> bool:
        """Whether speech in what was cleaned last can be the user's, rather than left-over echo."""


class LetEchoIn:
    """For headphones, or where the system cancels echo itself."""

    reduction: float | None = None

    def clean(self, near: Captured, speaker: Speaker | None) -> Samples:  # noqa: ARG002
        """The sound as it is."""
        return near.samples

    def may_be_user(self, heard: float) -> bool:  # noqa: ARG002
        """Always."""
        return True


class RestMicrophone:
    """Half-duplex: while the assistant speaks, the microphone hears nothing."""

    reduction: float | None = None

    def __init__(self) -> None:
        self._sounded_until = -math.inf

    def clean(self, near: Captured, speaker: Speaker | None) -> Samples:
        """Silence while anything is played."""
        if speaker is not None:
            self._sounded_until = speaker.sounds_until
        if near.heard < self._sounded_until + _ROOM:
            return np.zeros_like(near.samples)
        return near.samples

    def may_be_user(self, heard: float) -> bool:
        """Not until a moment after the assistant's voice."""
        return heard >= self._sounded_until + _TAIL


class CancelEcho:
    """WebRTC's echo canceller, from the package pywebrtc-audio.

    It runs only while something is or was just played, and what it makes is used only where the speaker
    can be heard in the microphone.

    Raises:
        ImportError: the package is not installed.
    """

    def __init__(self) -> None:
        from pywebrtc_audio import EchoCanceller

        self._canceller = EchoCanceller(SAMPLE_RATE)
        self._reference: Reference | None = None
        self._learned = 0.0
        self._learned_for: tuple[Reference, int, int] | None = None
        self._echo_until = -math.inf
        self._before = self._after = 0.0
        self._path = EchoPath()

    @property
    def reduction(self) -> float | None:
        """Measured while the assistant speaks, the user's own voice included where both do."""
        if self._before < _AUDIBLE:
            return None
        return 10 * math.log10(self._before / max(self._after, 1e-12))

    def clean(self, near: Captured, speaker: Speaker | None) -> Samples:
        """The sound without what of it came from the speaker."""
        samples = near.samples
        if speaker is not None:
            self._echo_until = speaker.sounds_until + _ECHO_ENDS
        if speaker is None:
            self._path.add(_mean_square(samples), 0.0, len(samples))
            return samples
        if self._reference is None or self._reference.speaker is not speaker:
            self._reference = Reference(speaker)
            self._path.forget()
        if near.heard > self._echo_until:
            self._path.add(_mean_square(samples), 0.0, len(samples))
            self._reference.pass_over(len(samples))
            return samples
        far = self._reference.beside(len(samples), near.delivered)
        learned_for = (self._reference, self._reference.disturbances, speaker.xruns)
        if learned_for != self._learned_for or near.lost:
            self._learned_for, self._learned = learned_for, 0.0
            self._path.skip()
        cleaned: Samples = self._canceller.process(samples, far)
        played = _mean_square(far)
        self._path.add(_mean_square(samples), played, len(samples))
        if played > _AUDIBLE:
            self._learned += len(samples) / SAMPLE_RATE
            self._measure(samples, cleaned)
        return cleaned if self._path.open else samples

    def may_be_user(self, heard: float) -> bool:
        """Not in an echo until the canceller has learned the room."""
        return heard > self._echo_until or self._learned >= _SETTLING or not self._path.open

    def _measure(self, near: Samples, cleaned: Samples) -> None:
        past = _FORGETTING ** (len(near) * 100 / SAMPLE_RATE)
        self._before = past * self._before + (1 - past) * _mean_square(near)
        self._after = past * self._after + (1 - past) * _mean_square(cleaned)


def _mean_square(samples: Samples) -> float:
    return float(np.dot(samples, samples)) / max(1, len(samples))
