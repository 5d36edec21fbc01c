"""An answer of the assistant as the voice loop takes it: asked early, kept or thrown away, heard so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from core.chat import AnswerContinued, RouteChosen, TextDelta
from core.errors import TensorWallError
from core.voice.answer import BREAK

if TYPE_CHECKING:
    from core.chat import Event
    from core.records import LazyRecords
    from core.turn import Turn
    from core.voice.receipt import Receipt

__all__ = ("SpokenMessage", "VoiceReply")


@dataclass(frozen=True, slots=True)
class SpokenMessage:
    """Where a message stands in the text of the whole answer, in characters."""

    id: str
    begin: int
    end: int

    def heard(self, characters: int | None) -> int | None:
        """How much of it was heard where so much of the whole answer was; ``None``: all of it."""
        return None if characters is None or characters >= self.end else max(0, characters - self.begin)


class VoiceReply:
    """A tentative turn as a ``core.voice.reply.Reply``.

    It may be iterated more than once at the same time, by the voice loop and by a screen: each gets
    every event from the first on, and the error that ended it.

    Args:
        turn: of ``Assistant.reply(..., tentative=True)``.
        records: keep what was heard, and the receipt.
        kept: called when the answer turns out to be wanted: show the question, and iterate this.

    Attributes:
        turn: the turn.
    """

    def __init__(
        self, turn: Turn, records: LazyRecords, kept: Callable[[VoiceReply], None] = lambda _: None
    ) -> None:
        self.turn = turn
        self._records = records
        self._kept = kept
        self._seen: list[Event] = []
        self._error: TensorWallError | None = None
        self._over = False
        self._is_kept = False
        self._reading = asyncio.Lock()

    async def __aiter__(self) -> AsyncIterator[Event]:
        place = 0
        while place < len(self._seen) or await self._read(place):
            yield self._seen[place]
            place += 1
        if self._error is not None:
            raise self._error

    @property
    def cost(self) -> Decimal | None:
        """US dollars for it, once it is over; an estimate where the provider never said."""
        return self.turn.cost

    @property
    def messages(self) -> list[SpokenMessage]:
        """The messages that the answer takes, one more with each use of tools, as far as they have come."""
        begin = end = 0
        current, found = self.turn.answer_id, []
        for event in self._seen:
            if isinstance(event, TextDelta):
                end += len(event.text)
            elif isinstance(event, RouteChosen) and not event.continues:
                end = begin
            elif isinstance(event, AnswerContinued):
                found.append(SpokenMessage(current, begin, end))
                begin = end = end + len(BREAK) if end else 0
                current = event.message_id
        return [*found, SpokenMessage(current, begin, end)]

    async def keep(self) -> None:
        """Store the turn, and have it shown."""
        if not self._is_kept:
            self._is_kept = True
            self._kept(self)
        await self.turn.keep()

    async def heard(self, characters: int | None) -> None:
        """Store how much of the answer was heard, of each message that it takes."""
        if not self.turn.storage_error:
            records = await self._records()
            for message in self.messages:
                await records.conversations.mark_heard(message.id, message.heard(characters))

    async def book(self, receipt: Receipt) -> None:
        """Store what the turn took."""
        records = await self._records()
        await records.voice_turns.add(self.turn.session_id, self.turn.answer_id, receipt)

    async def aclose(self) -> None:
        """Stop; what has arrived of a kept turn stays, and the cost of one that was not is booked."""
        await self.turn.aclose()

    async def _read(self, place: int) -> bool:
        """Read one event further, unless another reader has meanwhile; whether there is one."""
        async with self._reading:
            if place < len(self._seen):
                return True
            if self._over:
                return False
            try:
                self._seen.append(await anext(self.turn))
            except StopAsyncIteration:
                self._over = True
            except TensorWallError as error:
                self._over, self._error = True, error
            return not self._over
