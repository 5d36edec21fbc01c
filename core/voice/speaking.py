"""Reading one answer aloud while it arrives: clauses are made, synthesised one ahead, and played."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from core.errors import TensorWallError, VoiceUnavailable
from core.voice.engine.events import ClauseEnded, ClauseStarted

if TYPE_CHECKING:
    from core.voice.audio import WordMark
    from core.voice.engine import AudioEngine
    from core.voice.spoken_text.chunker import ClauseChunker
    from core.voice.spoken_text.clause import Clause
    from core.voice.synthesis.synthesiser import Synthesiser

__all__ = ("Speech",)


@dataclass(slots=True)
class _Part:
    """A clause on its way through the speaker."""

    tag: int
    clause: Clause
    marks: list[WordMark] = field(default_factory=list)
    started: bool = False
    ended: bool = False


class Speech:
    """Speaks one text that arrives in pieces; `run` it, `feed` it, and `finish` it when all is there.

    Args:
        engine: plays the sound.
        synthesiser: makes it.
        chunker: makes clauses of a text, as it arrives.
        tags: numbers that no other sound of the engine has.
        offset: where in the answer the text that will be fed begins.
        heard: how much of the answer was heard before.
        started: called with each clause when its first sound is heard, and when that was.
        failed: called with what could not be spoken; the next clause is tried all the same, unless
            there is no voice at all.
    """

    def __init__(
        self,
        engine: AudioEngine,
        synthesiser: Synthesiser,
        chunker: Callable[[], ClauseChunker],
        tags: Iterator[int],
        *,
        offset: int = 0,
        heard: int = 0,
        started: Callable[[Clause, float], None],
        failed: Callable[[TensorWallError], None],
    ) -> None:
        self._engine = engine
        self._synthesiser = synthesiser
        self._new_chunker = chunker
        self._chunker = chunker()
        self._tags = tags
        self._offset = offset
        self._heard_before = heard
        self._started = started
        self._failed = failed
        self._waiting: deque[Clause] = deque()
        self._parts: list[_Part] = []
        self._finished = False
        self._only_read = False
        self._changed = asyncio.Event()

    @property
    def heard(self) -> int | None:
        """The character of the answer up to which it has been heard, by the speaker's own position.

        ``None`` once the rest of it can only be read.
        """
        return None if self._only_read else max(self._heard_before, self._reached)

    @property
    def _reached(self) -> int:
        position = self._engine.position()
        reached = self._offset
        for part in self._parts:
            if position is not None and part.tag == position.tag:
                return part.clause.heard(part.marks, position.seconds)
            if part.ended:
                reached = part.clause.end
        return reached

    @property
    def has_sounded(self) -> bool:
        """Whether anything of it has been heard."""
        return any(part.started for part in self._parts)

    def feed(self, text: str) -> None:
        """Take in the next piece of the text."""
        self._queue(self._chunker.feed(text))

    def finish(self) -> None:
        """No more text will come."""
        if not self._finished:
            self._queue(self._chunker.finish())
            self._finished = True
            self._changed.set()

    def restart(self) -> None:
        """Forget everything: another text is to be spoken instead."""
        self._engine.stop()
        self._heard_before = 0
        self._chunker = self._new_chunker()
        self._waiting.clear()
        self._parts.clear()

    def silence(self) -> None:
        """Speak no further: there is nothing to play with. The text may still be read."""
        self._only_read = True
        for part in self._parts:
            part.ended = True
        self._changed.set()

    def take(self, event: ClauseStarted | ClauseEnded) -> None:
        """What the engine says about a clause; others' tags are ignored."""
        part = next((part for part in self._parts if part.tag == event.tag), None)
        if part is None:
            return
        if isinstance(event, ClauseEnded):
            part.ended = True
        elif not part.started:
            part.started = True
            self._started(part.clause, event.at)
        self._changed.set()

    async def run(self) -> None:
        """Speak until the last sound is out; when cancelled, what was queued is for the caller to stop."""
        while (clause := await self._next()) is not None:
            await self._speak(clause)
        await self._until(lambda: all(part.ended for part in self._parts))

    async def _next(self) -> Clause | None:
        """The next clause, once at most one other waits to be heard; ``None`` when there is none."""
        await self._until(lambda: self._only_read or self._is_over or self._may_go_on)
        return None if self._only_read or not self._waiting else self._waiting.popleft()

    @property
    def _may_go_on(self) -> bool:
        return bool(self._waiting) and all(part.started or part.ended for part in self._parts[-1:])

    @property
    def _is_over(self) -> bool:
        return self._finished and not self._waiting

    async def _speak(self, clause: Clause) -> None:
        part = _Part(next(self._tags), clause)
        self._parts.append(part)
        sounds = False
        try:
            async with aclosing(self._synthesiser.speak(clause.spoken)) as chunks:
                async for chunk in chunks:
                    if part not in self._parts:  # restarted meanwhile
                        return
                    part.marks.extend(chunk.marks)
                    sounds = sounds or bool(chunk.pcm)
                    self._engine.play(part.tag, chunk)
        except TensorWallError as error:
            self._failed(error)
            if isinstance(error, VoiceUnavailable):
                self._only_read = True  # what sounds already sounds to its end
        if sounds:
            self._engine.end(part.tag)
        else:
            part.ended = True

    def _queue(self, clauses: list[Clause]) -> None:
        self._waiting.extend(_moved(clause, self._offset) for clause in clauses)
        self._changed.set()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()


def _moved(clause: Clause, offset: int) -> Clause:
    """The clause with its places counted from the beginning of the whole answer."""
    if not offset:
        return clause
    pieces = tuple(
        replace(piece, start=piece.start + offset, end=piece.end + offset) for piece in clause.pieces
    )
    return replace(clause, start=clause.start + offset, end=clause.end + offset, pieces=pieces)
