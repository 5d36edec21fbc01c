"""What the turn machine is told; every message says when, in seconds of the engine's clock."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = (
    "AnswerEnded",
    "AnswerHeard",
    "CommitNow",
    "FrameHeard",
    "HoldOpen",
    "ListeningChanged",
    "Message",
    "Muted",
    "Stopped",
    "TalkCancelled",
    "TalkEnded",
    "TalkStarted",
    "TranscriptReady",
    "TranscriptionFailed",
)


@dataclass(frozen=True, slots=True)
class TalkStarted:
    """The talk key went down, or was tapped to start."""

    at: float


@dataclass(frozen=True, slots=True)
class TalkEnded:
    """The talk key was released, tapped again, or its window lost the focus.

    Attributes:
        held: the key was held, rather than tapped twice; it decides whether the text is sent.
    """

    at: float
    held: bool = True


@dataclass(frozen=True, slots=True)
class TalkCancelled:
    """It was only a tap, or Escape: forget the recording."""

    at: float


@dataclass(frozen=True, slots=True)
class ListeningChanged:
    """Hands-free was switched on or off."""

    at: float
    hands_free: bool


@dataclass(frozen=True, slots=True)
class Muted:
    """The microphone was muted or unmuted."""

    at: float
    muted: bool


@dataclass(frozen=True, slots=True)
class FrameHeard:
    """The microphone's latest 32 ms, judged."""

    at: float
    speech: float


@dataclass(frozen=True, slots=True)
class TranscriptReady:
    """A transcription that was asked for is there; one with an old revision is ignored."""

    at: float
    turn: int
    revision: int
    text: str
    final: bool
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class TranscriptionFailed:
    """A transcription that was asked for cannot be had."""

    at: float
    turn: int
    revision: int
    final: bool = True


@dataclass(frozen=True, slots=True)
class CommitNow:
    """The user says that this is all (Enter)."""

    at: float


@dataclass(frozen=True, slots=True)
class HoldOpen:
    """The user wants more time: no countdown until speech goes on, or `CommitNow`."""

    at: float


@dataclass(frozen=True, slots=True)
class AnswerHeard:
    """The answer's first sound is out of the speaker."""

    at: float


@dataclass(frozen=True, slots=True)
class AnswerEnded:
    """The answer is over: all was spoken, it failed, or there was nothing to speak."""

    at: float


@dataclass(frozen=True, slots=True)
class Stopped:
    """The user wants silence (Escape): stop answering and speaking, wherever it is."""

    at: float


Message = (
    TalkStarted
    | TalkEnded
    | TalkCancelled
    | ListeningChanged
    | Muted
    | FrameHeard
    | TranscriptReady
    | TranscriptionFailed
    | CommitNow
    | HoldOpen
    | AnswerHeard
    | AnswerEnded
    | Stopped
)
