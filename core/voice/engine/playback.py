"""Everything that is to be heard: queue it, stop it, know how much of it was."""

from __future__ import annotations

import threading
from collections import deque

from core.voice.audio import PcmChunk
from core.voice.engine.events import ClauseEnded, ClauseStarted, Position
from core.voice.engine.feed import Feed
from core.voice.engine.mixer import Mixer, Piece
from core.voice.engine.play_out import PlayOut

__all__ = ("Playback",)

_DUCKED = 0.2
"""Volume while somebody speaks over the answer: still followed, no longer in the way."""
_UNKNOWN_RATE = 48_000


class Playback:
    """The mixer, the feed of the speaker's callback, and the account of what was heard.

    Used by the event loop (`play`, `stop`, `position`...) and by the engine's thread (`fill`,
    `reached`) alike; the lock between them is held for microseconds and never by a callback.

    Args:
        volume: from 0 to 1.

    Attributes:
        taken: blocks the callback took, written by it: position of the first sample, their number,
            and when the first is heard.
    """

    def __init__(self, volume: float) -> None:
        self.taken: deque[tuple[int, int, float]] = deque()
        self._volume = volume
        self._ducked = False
        self._lock = threading.Lock()
        self._mixer = Mixer(_UNKNOWN_RATE)
        self._play_out = PlayOut(_UNKNOWN_RATE)
        self._feed: Feed | None = None
        self._unqueued: deque[Piece] = deque()

    def feed_for(self, rate: int, block: int) -> Feed:
        """The feed for a speaker at ``rate``; what the speaker before it did not take is kept."""
        with self._lock:
            if self._feed is None or self._feed.rate != rate:
                self._take_back(rate)
                self._feed = Feed(rate, block, self._loudness)
                self._mixer.change_rate(rate)
                self._play_out = PlayOut(rate)
            return self._feed

    @property
    def busy(self) -> bool:
        """Whether anything is queued, heard, or about to come."""
        with self._lock:
            return not (self._mixer.empty and not self._unqueued and self._play_out.done)

    @property
    def volume(self) -> float:
        """From 0 to 1, ducking apart."""
        return self._volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self._volume = min(1.0, max(0.0, volume))
        self._apply_volume()

    def duck(self, ducked: bool) -> None:
        """Become quiet, or loud again, within 20 ms."""
        self._ducked = ducked
        self._apply_volume()

    def play(self, tag: int, chunk: PcmChunk) -> None:
        """Queue a piece of the clause ``tag``."""
        with self._lock:
            self._mixer.play(tag, chunk)

    def end(self, tag: int) -> None:
        """The clause ``tag`` is complete."""
        with self._lock:
            self._mixer.end(tag)

    def stop(self) -> None:
        """Forget everything; silence with the callback's next block."""
        with self._lock:
            self._mixer.clear()
            self._unqueued.clear()
            self._ducked = False
            self._play_out.clear(self._feed.forget() if self._feed else 0)
        self._apply_volume()

    def position(self, now: float) -> Position | None:
        """How far the listener is; see `PlayOut.position`."""
        with self._lock:
            self._note_taken()
            return self._play_out.position(now)

    def fill(self) -> None:
        """Queue for the callback as much as there is room for."""
        with self._lock:
            while self._feed is not None:
                piece = self._unqueued.popleft() if self._unqueued else self._mixer.next_piece()
                if piece is None or not self._queue(piece, self._feed):
                    return

    def reached(self, now: float) -> list[ClauseStarted | ClauseEnded]:
        """The beginnings and ends of clauses heard since it was last asked."""
        with self._lock:
            self._note_taken()
            return self._play_out.reached(now)

    def next_at(self) -> float | None:
        """When `reached` should be asked again at the latest, where that is known."""
        with self._lock:
            return self._play_out.next_at()

    def _queue(self, piece: Piece, feed: Feed) -> bool:
        """Hand what fits of it to the callback; whether that was all."""
        if not feed.room:
            self._unqueued.appendleft(piece)
            return False
        now, later = piece.split(feed.room, feed.rate)
        self._play_out.queued(now.tag, feed.end, len(now.samples), now.seconds, now.last)
        feed.append(now.samples)
        if later is not None:
            self._unqueued.appendleft(later)
        return later is None

    def _take_back(self, rate: int) -> None:
        """Make what the present feed holds wait for one at ``rate``."""
        old = self._feed
        if old is None:
            return
        self._note_taken()
        held = [
            Piece(tag, old.left(first, count), seconds, last)
            for tag, first, count, seconds, last in self._play_out.not_taken(old.cursor)
        ]
        waiting = [piece.resampled(old.rate, rate) for piece in (*held, *self._unqueued)]
        self._unqueued = deque(waiting)

    def _note_taken(self) -> None:
        while self.taken:
            self._play_out.handed_over(*self.taken.popleft())

    def _apply_volume(self) -> None:
        if self._feed is not None:
            self._feed.target = self._loudness

    @property
    def _loudness(self) -> float:
        return self._volume * (_DUCKED if self._ducked else 1.0)
