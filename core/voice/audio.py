"""Sound as the rooms of the voice loop hand it to each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ("FRAME_SAMPLES", "FRAME_SECONDS", "SAMPLE_RATE", "Frame", "PcmChunk", "Samples", "WordMark")

SAMPLE_RATE = 16_000
"""Samples a second of everything that is listened to; what Whisper and Silero were trained on."""

FRAME_SAMPLES = 512
"""Samples a frame: what Silero judges at a time, 32 ms."""

FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE

Samples: TypeAlias = "NDArray[np.float32]"
"""Mono sound at ``SAMPLE_RATE``, from -1 to 1."""


@dataclass(frozen=True, slots=True)
class Frame:
    """32 ms from the microphone, echo-cancelled.

    Attributes:
        at: when its last sample was heard, in seconds of the engine's clock.
        speech: how likely somebody speaks, from 0 to 1.
        level: loudness, as the root mean square from 0 to 1.
    """

    at: float
    speech: float
    level: float


@dataclass(frozen=True, slots=True)
class WordMark:
    """Where a word of a spoken text is heard.

    Attributes:
        at: seconds from the beginning of the text's sound.
        start: first character of the word in the text.
        end: the character after its last.
    """

    at: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class PcmChunk:
    """A piece of speech: 16-bit little-endian mono samples, and the words that begin in it.

    Attributes:
        marks: timed from the beginning of the text, not of the chunk.
    """

    pcm: bytes
    sample_rate: int
    marks: tuple[WordMark, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it sounds."""
        return len(self.pcm) / (2 * self.sample_rate)
