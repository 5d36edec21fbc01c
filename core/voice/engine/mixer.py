"""What is to be spoken, clause after clause without a gap, at the speaker's rate."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
import soxr

from core.voice.audio import PcmChunk, Samples

__all__ = ("Mixer", "Piece")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one clause, ready for the speaker.

    Attributes:
        seconds: where in the clause it begins.
        last: the clause ends with it; such a piece may be empty.
    """

    tag: int
    samples: Samples
    seconds: float
    last: bool

    def resampled(self, rate: int, wanted: int) -> Piece:
        """The same at another rate."""
        return replace(self, samples=soxr.resample(self.samples, rate, wanted))

    def split(self, count: int, rate: int) -> tuple[Piece, Piece | None]:
        """Its first ``count`` samples, and the rest where there is one."""
        if len(self.samples) <= count:
            return self, None
        first = Piece(self.tag, self.samples[:count], self.seconds, last=False)
        return first, Piece(self.tag, self.samples[count:], self.seconds + count / rate, self.last)


class Mixer:
    """A queue of clauses; each may still grow while it is already heard.

    Args:
        rate: samples a second of what it gives.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._clauses: deque[_Clause] = deque()

    @property
    def empty(self) -> bool:
        """Whether nothing is queued and no clause is open."""
        return not self._clauses

    def play(self, tag: int, chunk: PcmChunk) -> None:
        """Append sound to the clause ``tag``; a tag that is new is queued after the others."""
        self._clause(tag).chunks.append(chunk)

    def end(self, tag: int) -> None:
        """No more sound comes for ``tag``."""
        self._clause(tag).complete = True

    def clear(self) -> None:
        """Forget everything."""
        self._clauses.clear()

    def change_rate(self, rate: int) -> None:
        """Go on at another rate: the speaker is a different one."""
        self.rate = rate
        for clause in self._clauses:
            clause.converter = None

    def next_piece(self) -> Piece | None:
        """The next stretch of sound, one chunk long; ``None`` while there is nothing to give."""
        while self._clauses:
            clause = self._clauses[0]
            piece = clause.next_piece(self.rate)
            if piece is None:
                return None
            if piece.last:
                self._clauses.popleft()
            return piece
        return None

    def _clause(self, tag: int) -> _Clause:
        for clause in self._clauses:
            if clause.tag == tag:
                return clause
        self._clauses.append(_Clause(tag))
        return self._clauses[-1]


class _Clause:
    """One clause on its way to the speaker."""

    def __init__(self, tag: int) -> None:
        self.tag = tag
        self.chunks: deque[PcmChunk] = deque()
        self.complete = False
        self.converter: soxr.ResampleStream | None = None
        self._converter_rate = 0
        self._given = 0.0

    def next_piece(self, rate: int) -> Piece | None:
        """The next chunk at ``rate``; ``None`` while there is none."""
        if not self.chunks and not self.complete:
            return None
        chunk = self.chunks.popleft() if self.chunks else None
        last = self.complete and not self.chunks
        samples = self._convert(chunk, rate, last)
        piece = Piece(self.tag, samples, self._given, last)
        self._given += len(samples) / rate
        return piece

    def _convert(self, chunk: PcmChunk | None, rate: int, last: bool) -> Samples:
        samples = np.zeros(0, np.float32)
        flushed = samples
        if chunk is not None:
            whole = chunk.pcm[: len(chunk.pcm) // 2 * 2]
            samples = np.frombuffer(whole, "<i2").astype(np.float32) / np.float32(32_768)
            if self.converter is not None and chunk.sample_rate != self._converter_rate:
                flushed = self.converter.resample_chunk(samples[:0], last=True)
                self.converter = None
            if self.converter is None and chunk.sample_rate != rate:
                self.converter = soxr.ResampleStream(chunk.sample_rate, rate, 1, dtype="float32")
                self._converter_rate = chunk.sample_rate
        if self.converter is not None:
            samples = self.converter.resample_chunk(samples, last=last)
        return np.concatenate((flushed, samples)) if len(flushed) else samples
