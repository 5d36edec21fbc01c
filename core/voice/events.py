"""What the voice loop tells whoever shows it: the screen, or a line of JSON an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.voice.receipt import Receipt
from core.voice.spoken_text.clause import Clause
from core.voice.turn_taking.actions import State

__all__ = (
    "AnswerFailed",
    "Answered",
    "Discarded",
    "FinalText",
    "FirstAudio",
    "FirstToken",
    "Interrupted",
    "LevelChanged",
    "Noticed",
    "PartialText",
    "ReceiptReady",
    "Speaking",
    "StateChanged",
    "VoiceEvent",
)


@dataclass(frozen=True, slots=True)
class StateChanged:
    """What the microphone and the loop are doing now.

    Attributes:
        closes_in: seconds until the turn is taken as finished, in state ``closing``; ``None`` while
            it is held open.
    """

    state: State
    closes_in: float | None = None


@dataclass(frozen=True, slots=True)
class LevelChanged:
    """Loudness of the microphone, from 0 to 1, about ten times a second while it is analysed."""

    level: float
    speech: float


@dataclass(frozen=True, slots=True)
class PartialText:
    """What has been understood so far.

    Attributes:
        stable: two transcripts in a row agreed on it.
        tail: may still change.
    """

    turn: int
    stable: str
    tail: str


@dataclass(frozen=True, slots=True)
class FinalText:
    """What the user said.

    Attributes:
        sent: an answer is on its way; otherwise the text is for the composer.
        confidence: from 0 to 1.
    """

    turn: int
    text: str
    sent: bool
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Discarded:
    """A recording came to nothing; ``reason`` is empty where the user knows why."""

    turn: int
    reason: str


@dataclass(frozen=True, slots=True)
class FirstToken:
    """The answer begins to arrive."""

    turn: int


@dataclass(frozen=True, slots=True)
class FirstAudio:
    """The answer begins to be heard."""

    turn: int


@dataclass(frozen=True, slots=True)
class Speaking:
    """This clause of the answer is heard now; ``None`` when none is."""

    turn: int
    clause: Clause | None


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The answer was cut off.

    Attributes:
        heard: the part of it that was heard.
        unheard: the part that had arrived and was not.
    """

    turn: int
    heard: str
    unheard: str
    by: Literal["speech", "key"]


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer is over and was heard to its end, or was not to be spoken."""

    turn: int
    text: str


@dataclass(frozen=True, slots=True)
class ReceiptReady:
    """What the turn took."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Noticed:
    """One line for the user: a device came or went, an engine was swapped, something failed.

    Attributes:
        hint: what the user can do about it; empty where there is nothing.
    """

    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class AnswerFailed(Noticed):
    """The answer ended early; told in the conversation too, where there is one to see."""


VoiceEvent = (
    StateChanged
    | LevelChanged
    | PartialText
    | FinalText
    | Discarded
    | FirstToken
    | FirstAudio
    | Speaking
    | Interrupted
    | Answered
    | ReceiptReady
    | Noticed
)
