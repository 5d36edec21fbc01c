"""What of the queued speech has been heard: the truth about the speaker's position."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from core.voice.engine.events import ClauseEnded, ClauseStarted, Position

__all__ = ("PlayOut",)

_REMEMBERED = 256
"""Blocks handed to the device that are remembered: seconds, where a Bluetooth speaker lags by 0.3."""


@dataclass(slots=True)
class _Queued:
    """A stretch of a clause in the queue to the speaker; ``first`` is the position of its first sample."""

    tag: int
    first: int
    count: int
    seconds: float
    last: bool
    begun: bool = False


@dataclass(frozen=True, slots=True)
class _HandedOver:
    """A block that the device took: the sample ``first`` is heard at ``at``."""

    first: int
    count: int
    at: float


class PlayOut:
    """Relates positions in the queue to the speaker to clauses, and both to time.

    Args:
        rate: samples a second.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._queued: deque[_Queued] = deque()
        self._handed_over: deque[_HandedOver] = deque(maxlen=_REMEMBERED)
        self._latest: Position | None = None
        self._cleared_at = 0

    @property
    def done(self) -> bool:
        """Whether everything that was queued has been reported as heard."""
        return not self._queued

    def queued(self, tag: int, first: int, count: int, seconds: float, last: bool) -> None:
        """The queue now holds ``count`` samples of a clause from position ``first`` on."""
        self._queued.append(_Queued(tag, first, count, seconds, last))

    def handed_over(self, first: int, count: int, at: float) -> None:
        """The device took ``count`` samples, of which the first is heard at ``at``."""
        self._handed_over.append(_HandedOver(first, count, at))

    def clear(self, first: int) -> None:
        """What is queued will not be heard; what comes next is queued from position ``first`` on."""
        self._queued.clear()
        self._handed_over.clear()
        self._latest = None
        self._cleared_at = first

    def not_taken(self, cursor: int) -> list[tuple[int, int, int, float, bool]]:
        """What is queued and not reported as heard, from position ``cursor`` on; as `queued` took it."""
        rest = []
        for piece in self._queued:
            first = max(piece.first, min(cursor, piece.first + piece.count))
            seconds = piece.seconds + (first - piece.first) / self.rate
            rest.append((piece.tag, first, piece.first + piece.count - first, seconds, piece.last))
        return rest

    def position(self, now: float) -> Position | None:
        """How far the listener is; at the end of the latest clause between two; ``None`` before the first."""
        heard = self._heard_until(now)
        for piece in reversed(self._queued):
            if piece.first < heard:
                samples = min(heard - piece.first, piece.count)
                return Position(piece.tag, piece.seconds + samples / self.rate)
        return self._latest

    def reached(self, now: float) -> list[ClauseStarted | ClauseEnded]:
        """The beginnings and ends of clauses that were heard since it was last asked."""
        events: list[ClauseStarted | ClauseEnded] = []
        heard = self._heard_until(now)
        while self._queued:
            piece = self._queued[0]
            if piece.first < heard and not piece.begun and piece.count:
                piece.begun = True
                if piece.seconds == 0:
                    events.append(ClauseStarted(piece.tag, self._time_of(piece.first, now)))
            end = piece.first + piece.count
            if end > heard:
                break
            if piece.last:
                events.append(ClauseEnded(piece.tag, self._time_of(end - 1, now)))
            self._latest = Position(piece.tag, piece.seconds + piece.count / self.rate)
            self._queued.popleft()
        return events

    def next_at(self) -> float | None:
        """When `reached` will have something new, where the device has already taken that sound."""
        if not self._queued or not self._handed_over:
            return None
        piece, newest = self._queued[0], self._handed_over[-1]
        awaited = piece.first + piece.count - 1 if piece.begun else piece.first
        if awaited >= newest.first + newest.count:
            return None
        return self._time_of(awaited, newest.at) + 1 / self.rate

    def _heard_until(self, now: float) -> int:
        """The position of the first sample that is not heard yet."""
        for block in reversed(self._handed_over):
            if block.at <= now:
                heard = block.first + min(block.count, int((now - block.at) * self.rate))
                return max(heard, self._cleared_at)
        return self._handed_over[0].first if self._handed_over else self._cleared_at

    def _time_of(self, position: int, otherwise: float) -> float:
        for block in self._handed_over:
            if block.first <= position < block.first + block.count:
                return block.at + (position - block.first) / self.rate
        return otherwise
