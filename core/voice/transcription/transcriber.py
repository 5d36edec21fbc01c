"""What turns speech into text, whoever does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from decimal import Decimal

    from core.voice.audio import Samples

__all__ = ("Hints", "Purpose", "Transcriber", "Transcript", "Word")

Purpose = Literal["partial", "final"]
"""``partial``: text to look at while the user speaks, as quick as can be. ``final``: what is sent."""


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known before listening.

    Attributes:
        language: such as ``en``; ``None`` to detect it (once; the transcriber remembers).
        hotwords: names and terms that are likely: the user's vocabulary, then words of the conversation.
        vocabulary: the user's own terms, written so in the text where it all but has them.
    """

    language: str | None = None
    hotwords: Sequence[str] = ()
    vocabulary: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Word:
    """One word and when it was said, in seconds from the beginning of the recording."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was understood.

    Attributes:
        text: empty where nothing was said, or nothing that can be believed.
        language: what it was taken for.
        confidence: from 0 to 1, of the words on average.
        seconds: how long the recording is.
        took: seconds that transcribing took.
        engine: ``local`` or the provider's name.
        model: such as ``base`` or ``whisper-large-v3-turbo``.
        words: empty unless word times were asked for.
        cost: US dollars; zero on this machine, ``None`` where the price is unknown.
        rejected: why a text was not believed, such as "repeats itself"; empty where it was.
    """

    text: str
    language: str
    confidence: float
    seconds: float
    took: float
    engine: str
    model: str
    words: tuple[Word, ...] = ()
    cost: Decimal | None = None
    rejected: str = ""


class Transcriber(Protocol):
    """Turns recordings into text, one at a time and in order."""

    @property
    def label(self) -> str:
        """Who listens, as the screen says it: ``Whisper base, here`` or ``Groq whisper-large-v3-turbo``."""

    @property
    def bills(self) -> bool:
        """Whether every recording costs money now, so that none is transcribed on a mere guess."""

    async def warm(self) -> None:
        """Load what the first transcript would have to wait for; safe to call again.

        Raises:
            VoiceUnavailable: a package is missing.
            SpeechModelUnusable: the weights are missing or damaged.
        """

    async def transcribe(self, samples: Samples, hints: Hints, *, purpose: Purpose = "final") -> Transcript:
        """The text of a recording. Cancelling gives the result up.

        Raises:
            VoiceUnavailable, SpeechModelUnusable: as `warm`.
            TranscriptionFailed: it could not be done.
        """

    async def aclose(self) -> None:
        """End the worker or the connection."""
