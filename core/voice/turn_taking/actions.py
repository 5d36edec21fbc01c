"""What the turn machine wants done, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = (
    "Action",
    "Commit",
    "Discard",
    "DropSpeculation",
    "Duck",
    "Interrupt",
    "KeepStretch",
    "Notice",
    "Show",
    "SpeculateReply",
    "State",
    "Transcribe",
    "Unduck",
    "WakeAt",
)

State = Literal[
    "off",  # the microphone is closed
    "ready",  # open and kept warm, waiting for the talk key; nothing is analysed
    "listening",  # hands-free, waiting for somebody to speak
    "recording",  # the user speaks
    "closing",  # silence; a countdown runs until the turn is taken as finished
    "transcribing",  # finished, the text is on its way
    "thinking",  # sent, nothing to hear yet
    "speaking",  # the answer is read aloud
    "muted",
]


@dataclass(frozen=True, slots=True)
class Transcribe:
    """Turn what was heard between two times into text.

    Attributes:
        turn: which turn of the user, from 1.
        revision: grows with everything that makes earlier results stale.
        final: the text may be sent; otherwise it is only looked at.
    """

    turn: int
    revision: int
    since: float
    until: float
    final: bool


@dataclass(frozen=True, slots=True)
class KeepStretch:
    """Speech goes on, and yet the final transcript that this revision asked for stays good.

    It is the text of the turn up to where its recording ended; later transcripts of the turn take it over
    and begin there, so that nothing is transcribed twice. One that failed, or says nothing, is not kept:
    the next ones begin before it.
    """

    turn: int
    revision: int


@dataclass(frozen=True, slots=True)
class SpeculateReply:
    """Ask for the answer to this text already; it may come to nothing."""

    turn: int
    revision: int
    text: str


@dataclass(frozen=True, slots=True)
class DropSpeculation:
    """Speech went on or the text is another one: throw away what was asked for early."""

    turn: int


@dataclass(frozen=True, slots=True)
class Commit:
    """This is what the user said.

    Attributes:
        send: ask for an answer; otherwise the text waits in the composer.
        spoke_until: when the user stopped speaking, or let the talk key go.
        decided: when that was taken as the end.
    """

    turn: int
    revision: int
    text: str
    send: bool
    spoke_until: float
    decided: float


@dataclass(frozen=True, slots=True)
class Discard:
    """The recording came to nothing.

    Attributes:
        reason: for the user, such as "nothing was said"; empty where the user knows.
    """

    turn: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Duck:
    """Somebody speaks over the answer: make it quieter at once."""


@dataclass(frozen=True, slots=True)
class Unduck:
    """It was nothing: back to full volume."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop answering and speaking; what was heard of the answer is what stays of it."""

    by: Literal["speech", "key"]


@dataclass(frozen=True, slots=True)
class Show:
    """The state changed.

    Attributes:
        closes_at: when the countdown ends, in state ``closing``; ``None`` while it is held open.
    """

    state: State
    closes_at: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One line for the user."""

    text: str


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Call ``advance`` at this time, unless a later `WakeAt` says otherwise."""

    at: float


Action = (
    Transcribe
    | KeepStretch
    | SpeculateReply
    | DropSpeculation
    | Commit
    | Discard
    | Duck
    | Unduck
    | Interrupt
    | Show
    | Notice
    | WakeAt
)
