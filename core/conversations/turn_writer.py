"""Saves the messages of one turn, one below the other, without ever making it wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.conversations.answer_writer import AnswerWriter
from core.conversations.stored import Session, StoredMessage
from core.errors import TensorWallError

if TYPE_CHECKING:
    from core.storage import Database

__all__ = ("TurnWriter",)


@dataclass(slots=True)
class _Message:
    row: StoredMessage
    writer: AnswerWriter
    ended: StoredMessage | None = None
    settled: bool = False


class TurnWriter:
    """Stores a question, the answer to it and, where that calls tools, their results and what follows.

    Each message is begun below the one before and ended in its own time. They may be begun and ended before
    there is a database: they wait until `attach`.
    """

    def __init__(self) -> None:
        self._messages: list[_Message] = []
        self._database: Database | None = None

    def begin(
        self, row: StoredMessage, *, question: StoredMessage | None = None, session: Session | None = None
    ) -> AnswerWriter:
        """A further message; what it says goes into the writer given back."""
        writer = AnswerWriter(row, question=question, session=session)
        if self._database is not None:
            writer.attach(self._database)
        self._messages.append(_Message(row, writer))
        return writer

    def end(self, row: StoredMessage) -> None:
        """A message as it is to stay; `settle` stores it."""
        message = next(message for message in self._messages if message.row.id == row.id)
        message.ended, message.settled = row, False

    def attach(self, database: Database) -> None:
        """Store what has arrived so far, and write from now on."""
        self._database = database
        for message in self._messages:
            message.writer.attach(database)

    async def settle(self) -> None:
        """Store what has ended, and what could not be stored before; nothing yet without a database."""
        if self._database is None:
            return
        for message in self._messages:
            if message.ended is not None and not message.settled:
                message.settled = True
                await message.writer.settle(message.ended)
                message.settled = message.writer.failure is None

    @property
    def open(self) -> list[StoredMessage]:
        """The messages that have not ended, as they were begun."""
        return [message.row for message in self._messages if message.ended is None]

    @property
    def ended(self) -> list[StoredMessage]:
        """The messages that have ended, in order."""
        return [message.ended for message in self._messages if message.ended is not None]

    @property
    def failure(self) -> TensorWallError | None:
        """Why not all of it is stored; ``None`` when all is well."""
        return next((m.writer.failure for m in self._messages if m.writer.failure is not None), None)
