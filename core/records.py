"""What TensorWall remembers: conversations, ledger and keys of one database, opened together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import TensorWallError
from core.storage import Database, open_database

if TYPE_CHECKING:
    from core.conversations import Conversations
    from core.costs.ledger import Ledger
    from core.costs.voice_turns import VoiceTurns
    from core.costs.worst_case import PricedModels
    from core.keys.keys import Keys
    from core.review.review import Review

__all__ = ("LazyRecords", "Records", "open_records")


@dataclass(frozen=True, slots=True)
class Records:
    """The parts that share one open database."""

    database: Database
    conversations: Conversations
    ledger: Ledger
    voice_turns: VoiceTurns
    review: Review
    keys: Keys

    async def aclose(self) -> None:
        """Store what is queued and close the database."""
        await self.database.aclose()


async def open_records(location: str | Path, models: PricedModels) -> Records:
    """Open the database and settle what a TensorWall that died has left there.

    Args:
        location: the path of an SQLite file, ``:memory:``, or a SQLAlchemy URL.
        models: the catalogue.

    Raises:
        StorageError: or one of its kin, when the database cannot be used; nothing was touched then.
    """
    database = await open_database(location)
    # Only now, since these need SQLAlchemy, which the database's own thread has just imported.
    from core.conversations.conversations import Conversations
    from core.costs.ledger import Ledger
    from core.costs.voice_turns import VoiceTurns
    from core.keys.keys import Keys
    from core.review.review import Review

    records = Records(
        database,
        Conversations(database),
        Ledger(database, models),
        VoiceTurns(database),
        Review(database),
        Keys(database),
    )
    try:
        await records.conversations.recover()
        await records.ledger.recover()
    except BaseException:
        await records.aclose()
        raise
    return records


class LazyRecords:
    """Records that are opened when first asked for, once for everyone who asks.

    A failed opening is tried again by the next who asks.

    Args:
        open_: opens them, such as a partial of `open_records`.
    """

    def __init__(self, open_: Callable[[], Awaitable[Records]]) -> None:
        self._open = open_
        self._opening: asyncio.Task[Records] | None = None

    @property
    def are_open(self) -> bool:
        """Whether asking for them takes no time."""
        return self._opening is not None and self._opening.done() and not _has_failed(self._opening)

    async def __call__(self) -> Records:
        """The open records.

        Raises:
            StorageError: or one of its kin, when they cannot be opened.
        """
        if self._opening is None or _has_failed(self._opening):
            self._opening = asyncio.create_task(self._run(), name="open records")
            self._opening.add_done_callback(_has_failed)  # retrieves an error that nobody waits for
        return await asyncio.shield(self._opening)  # one who stops waiting does not stop the others

    async def aclose(self) -> None:
        """Close what was opened; safe when nothing was."""
        if self._opening is None:
            return
        opening, self._opening = self._opening, None
        try:
            records = await opening
        except (TensorWallError, asyncio.CancelledError):  # whoever asked was told
            return
        await records.aclose()

    async def _run(self) -> Records:
        return await self._open()


def _has_failed(task: asyncio.Task[Records]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
