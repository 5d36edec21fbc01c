"""An answer of the assistant as the voice loop takes it: asked early, kept or thrown away, heard so far."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from core.errors import TensorWallError

if TYPE_CHECKING:
    from core.chat import Event
    from core.records import LazyRecords
    from core.turn import Turn
    from core.voice.receipt import Receipt

__all__ = ("VoiceReply",)


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

    async def keep(self) -> None:
        """Store the turn, and have it shown."""
        if not self._is_kept:
            self._is_kept = True
            self._kept(self)
        await self.turn.keep()

    async def heard(self, characters: int | None) -> None:
        """Store how much of the answer was heard."""
        if not self.turn.storage_error:
            records = await self._records()
            await records.conversations.mark_heard(self.turn.answer_id, characters)

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
