"""What turns text into sound, whoever does it. It never plays anything: the engine does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.voice.audio import PcmChunk

__all__ = ("Synthesiser", "Voice")


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that can be chosen.

    Attributes:
        id: what the ``voice`` setting holds.
        name: what the user reads.
        languages: such as ``("en-us",)``; empty where unknown.
    """

    id: str
    name: str
    languages: tuple[str, ...] = ()


class Synthesiser(Protocol):
    """Speaks one text at a time."""

    @property
    def label(self) -> str:
        """Who speaks, as the screen says it: ``eSpeak en-us`` or ``Groq hannah``."""

    async def warm(self) -> None:
        """Start what the first text would have to wait for; safe to call again.

        Raises:
            VoiceUnavailable: there is no engine; the hint has the command that mends it.
        """

    def speak(self, text: str) -> AsyncGenerator[PcmChunk, None]:
        """The sound of a text, as it is made; to be closed (``contextlib.aclosing``), which ends the making.

        Raises, while iterating:
            VoiceUnavailable: as `warm`.
            SynthesisFailed: the engine died or does not answer; the next text works again.
        """

    async def voices(self) -> Sequence[Voice]:
        """The voices there are."""

    async def aclose(self) -> None:
        """End the process or the connection."""
