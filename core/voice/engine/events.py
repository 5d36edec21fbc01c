"""What the audio engine reports, in the order it happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.voice.audio import Frame

__all__ = (
    "ClauseEnded",
    "ClauseStarted",
    "DeviceLost",
    "DeviceOpened",
    "Direction",
    "EchoNotCancelled",
    "EngineEvent",
    "MicrophoneTrouble",
    "Position",
)

Direction = Literal["microphone", "speaker"]


@dataclass(frozen=True, slots=True)
class ClauseStarted:
    """The first sound of what was given to ``play`` under this tag is out of the speaker."""

    tag: int
    at: float


@dataclass(frozen=True, slots=True)
class ClauseEnded:
    """The last sound of it is out; not reported for what was stopped."""

    tag: int
    at: float


@dataclass(frozen=True, slots=True)
class DeviceOpened:
    """A device is in use: the first time, or again after `DeviceLost`."""

    direction: Direction
    name: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """A device went away; the engine looks for another."""

    direction: Direction
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class EchoNotCancelled:
    """The echo canceller is not installed: the microphone rests while the assistant speaks."""


@dataclass(frozen=True, slots=True)
class MicrophoneTrouble:
    """The microphone works but what it gives cannot be good; said once until it is over.

    Attributes:
        kind: ``zeros``: exact silence, as where permission is refused; ``clipping``: too loud;
            ``narrow``: 8 kHz, a headset in call quality; ``overruns``: samples are being lost.
        hint: what the user can do.
    """

    kind: Literal["zeros", "clipping", "narrow", "overruns"]
    hint: str


@dataclass(frozen=True, slots=True)
class Position:
    """How far the speaker is: ``seconds`` into the sound of ``tag``."""

    tag: int
    seconds: float


EngineEvent = (
    Frame | ClauseStarted | ClauseEnded | DeviceOpened | DeviceLost | EchoNotCancelled | MicrophoneTrouble
)
