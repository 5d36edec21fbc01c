"""Saves one answer while it streams, without ever making it wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import groupby
from typing import TYPE_CHECKING

from core.conversations.stored import ChunkKind, Session, StoredMessage
from core.errors import TensorWallError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core.storage import Database

__all__ = ("AnswerWriter",)

_PACE = 0.01
"""Seconds between two writes: a token every millisecond is saved ten at a time, which costs a
hundredth of a core instead of a seventh, and no screen shows text sooner than it is saved."""


class AnswerWriter:
    """Stores a question and its answer, the answer piece by piece.

    Pieces may be added before there is a database: they wait until `attach`. From then on the
    storage worker writes whatever has gathered as soon as it is idle. No method but `settle` waits,
    and none raises: the first failure is kept in ``failure``, and `settle` tries all of it once more.

    Args:
        answer: the row to be, in state ``streaming``.
        question: the message it answers, where that is new too.
        session: the conversation, where that is new too.
    """

    def __init__(
        self, answer: StoredMessage, *, question: StoredMessage | None = None, session: Session | None = None
    ) -> None:
        self.failure: TensorWallError | None = None
        self._answer = answer
        self._new_rows = (answer, question, session)
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._waiting: list[tuple[ChunkKind, str]] = []
        self._rows = 0
        self._database: Database | None = None
        self._beginning: Future[None] | None = None
        self._writing: Future[None] | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._settled = False

    @property
    def text(self) -> str:
        """What has arrived of the answer."""
        return "".join(self._text)

    @property
    def reasoning(self) -> str:
        """What has arrived of the reasoning."""
        return "".join(self._reasoning)

    def add_text(self, piece: str) -> None:
        """Note a piece of the answer."""
        self._text.append(piece)
        self._gather("text", piece)

    def add_reasoning(self, piece: str) -> None:
        """Note a piece of the reasoning."""
        self._reasoning.append(piece)
        self._gather("reasoning", piece)

    def restart(self) -> None:
        """Forget what has arrived: another route answers from the start."""
        if self._text or self._reasoning:
            self._text.clear()
            self._reasoning.clear()
            self._gather("restart", "")

    def attach(self, database: Database) -> None:
        """Store the question and what has arrived so far, and write from now on."""
        from core.conversations import answers  # imports SQLAlchemy, as opening the database did

        self._database = database
        self._write(answers.begin, *self._new_rows, database.instance)
        self._beginning = self._writing

    async def settle(self, answer: StoredMessage) -> None:
        """Fold the pieces into the whole answer; after this nothing more is written.

        Stored even when the caller is cancelled meanwhile.
        """
        if self._database is None:
            return
        self._settled = True
        if self._pause is not None:
            self._pause.cancel()
        try:
            await asyncio.shield(asyncio.wrap_future(self._database.submit(self._finish, answer)))
        except TensorWallError as error:
            self.failure = self.failure or error
        else:
            self.failure = None

    def _finish(self, connection: Connection, answer: StoredMessage) -> None:
        from core.conversations import answers

        assert self._database is not None
        if self._beginning is None or self._beginning.exception():  # done: the worker works in order
            answers.begin(connection, *self._new_rows, self._database.instance)
        answers.finish(connection, answer)

    def _gather(self, kind: ChunkKind, piece: str) -> None:
        self._waiting.append((kind, piece))
        if self._writing is None and self._pause is None:
            self._write_waiting()

    def _write_waiting(self) -> None:
        self._pause = None
        if self._database is None or not self._waiting or self.failure is not None:
            return
        from core.conversations import answers

        pieces = _joined(self._waiting)
        self._waiting.clear()
        first, self._rows = self._rows, self._rows + len(pieces)
        self._write(answers.append_chunks, self._answer.id, first, pieces)

    def _write(self, work: Callable[..., None], *args: object) -> None:
        assert self._database is not None
        loop = asyncio.get_running_loop()

        def written(future: Future[None]) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is gone, and so is who would care
                loop.call_soon_threadsafe(self._written, future)

        try:
            self._writing = self._database.submit(work, *args)
        except TensorWallError as error:
            self.failure = error
        else:
            self._writing.add_done_callback(written)

    def _written(self, future: Future[None]) -> None:
        self._writing = None
        error = future.exception()
        if isinstance(error, TensorWallError):
            self.failure = self.failure or error
        elif error is not None:
            raise error
        elif not self._settled:
            self._pause = asyncio.get_running_loop().call_later(_PACE, self._write_waiting)


def _joined(pieces: Sequence[tuple[ChunkKind, str]]) -> list[tuple[ChunkKind, str]]:
    """Neighbours of one kind as one piece."""
    return [
        (kind, "".join(text for _, text in run)) for kind, run in groupby(pieces, key=lambda piece: piece[0])
    ]
