"""What speaks inside the speech process: eSpeak NG, or the voices of the operating system."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal, Protocol, TypeAlias

from core.voice.audio import PcmChunk
from core.voice.synthesis.synthesiser import Voice

__all__ = ("VOICES_HINT", "EngineFailed", "EngineMissing", "Hand", "Reason", "SpeechEngine")

VOICES_HINT = "`tensorwall say --voices` lists the voices there are."

Reason = Literal["missing", "engine"]

Hand: TypeAlias = Callable[[PcmChunk], bool]
"""Takes a piece of sound; ``False`` when no more of this text is wanted."""


class EngineFailed(Exception):
    """The engine refused a text or a voice, or broke; with a hint for the user, or an empty one."""

    reason: ClassVar[Reason] = "engine"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class EngineMissing(EngineFailed):
    """A package or library without which there is no engine."""

    reason = "missing"


class SpeechEngine(Protocol):
    """A speech engine; all of it is called on the main thread of its process."""

    name: str
    """For people."""
    default_voice: str
    """The voice it takes where none is asked for; empty where it does not tell."""

    def voices(self) -> Sequence[Voice]:
        """The voices there are."""

    def speak(self, text: str, *, voice: str | None, rate: int, language: str | None, hand: Hand) -> None:
        """Make the sound of a text and hand it over piece by piece, until ``hand`` says ``False``.

        Raises:
            EngineFailed: it cannot.
        """
