"""Recordings of any length: cut at pauses, understood piece by piece, in memory that does not grow.

Imports faster-whisper's voice activity: import it when there is something to transcribe.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.transcription.cloud import CloudTranscriber
from core.voice.transcription.recogniser import LONGEST_PIECE, speech_pieces
from core.voice.transcription.transcriber import Hints, Transcript
from core.voice.transcription.whisper import WhisperTranscriber

__all__ = ("Heard", "Piece", "PieceCutter", "transcribe_long")

T = TypeVar("T")

_WINDOW = int(2 * LONGEST_PIECE * SAMPLE_RATE)
_TAIL = SAMPLE_RATE  # a word may have begun in the last second of silence


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch in which somebody speaks; ``start`` in seconds from the beginning."""

    start: float
    samples: Samples


@dataclass(frozen=True, slots=True)
class Heard:
    """What was understood of a piece; the times of its words are from the recording's beginning."""

    start: float
    end: float
    transcript: Transcript


class PieceCutter:
    """Takes sound as it comes and gives the pieces in which somebody speaks.

    It looks at a minute at a time and holds the last piece back, since that may go on.
    """

    def __init__(self) -> None:
        self._waiting: list[Samples] = []
        self._length = 0
        self._before = 0

    @property
    def seconds(self) -> float:
        """How much has been fed."""
        return (self._before + self._length) / SAMPLE_RATE

    def feed(self, samples: Samples) -> list[Piece]:
        """Take a little more; gives what is complete."""
        self._waiting.append(samples)
        self._length += len(samples)
        return self._cut() if self._length >= _WINDOW else []

    def finish(self) -> list[Piece]:
        """The rest."""
        sound = self._joined()
        return self._give(sound, speech_pieces(sound), keep_from=len(sound))

    def _cut(self) -> list[Piece]:
        sound = self._joined()
        pieces = speech_pieces(sound)
        silent_since = pieces[-1][1] if pieces else 0
        if pieces and silent_since > len(sound) - _TAIL:
            last_start, _ = pieces.pop()
            return self._give(sound, pieces, keep_from=last_start)
        return self._give(sound, pieces, keep_from=max(silent_since, len(sound) - _TAIL))

    def _joined(self) -> Samples:
        return np.concatenate(self._waiting) if self._waiting else np.zeros(0, np.float32)

    def _give(self, sound: Samples, found: list[tuple[int, int]], keep_from: int) -> list[Piece]:
        """The pieces that were found; what begins at ``keep_from`` waits for more."""
        pieces = [
            Piece((self._before + start) / SAMPLE_RATE, sound[start:end].copy()) for start, end in found
        ]
        self._waiting = [sound[keep_from:].copy()]
        self._length = len(sound) - keep_from
        self._before += keep_from
        return pieces


async def transcribe_long(
    sound: Iterator[Samples],
    transcriber: WhisperTranscriber | CloudTranscriber,
    hints: Hints,
    *,
    words: bool = False,
) -> AsyncGenerator[Heard | float, None]:
    """Understand sound while it is read: what was heard, and seconds that were read in between.

    Args:
        sound: the samples, read in a thread.
        transcriber: who listens.
        hints: what is known before listening.
        words: find out when each word was said, too.

    Raises:
        VoiceError, InputError: as the transcriber and the sound raise; what was understood was given.
    """
    cutter = PieceCutter()
    failure: Exception | None = None
    while True:
        try:
            pieces = await _in_thread(lambda: _read_on(sound, cutter))
        except Exception as error:  # noqa: BLE001  # raised below, after what came before it
            failure, pieces = error, None
        for piece in await _in_thread(cutter.finish) if pieces is None else pieces:
            transcript = await transcriber.transcribe(piece.samples, hints, words=words)
            end = piece.start + len(piece.samples) / SAMPLE_RATE
            yield Heard(piece.start, end, _shifted(transcript, piece.start))
        if failure is not None:
            raise failure
        if pieces is None:
            return
        yield cutter.seconds


async def _in_thread(work: Callable[[], T]) -> T:
    """Work in a thread. Cancelled, it is waited for: the file it reads is closed next."""
    job = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        await asyncio.wait([job])
        raise


def _read_on(sound: Iterator[Samples], cutter: PieceCutter) -> list[Piece] | None:
    """Read until a piece is complete, or ten seconds are in; ``None`` at the end."""
    since = cutter.seconds
    for samples in sound:
        if pieces := cutter.feed(samples):
            return pieces
        if cutter.seconds - since >= 10:
            return []
    return None


def _shifted(transcript: Transcript, seconds: float) -> Transcript:
    words = tuple(
        replace(word, start=word.start + seconds, end=word.end + seconds) for word in transcript.words
    )
    return replace(transcript, words=words)
