"""The receipts of spoken turns, kept beside the calls they came from, and their percentiles.

Needs SQLAlchemy, so import it once a database is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil

from sqlalchemy import Connection, insert, select

from core.storage import Database
from core.storage.tables import voice_turns
from core.voice.receipt import Receipt

__all__ = ("Latency", "VoiceFigures", "VoiceTurns", "receipts_by_message")


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a part takes, in seconds: half of the turns are as quick as ``p50``, 95 % as ``p95``."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class VoiceFigures:
    """Spoken turns added up; see ``Receipt`` for the parts. A part that never happened is ``None``.

    Attributes:
        speculation_cost: US dollars for what was thrown away, where its price is known.
    """

    turns: int = 0
    endpoint: Latency | None = None
    transcript: Latency | None = None
    first_token: Latency | None = None
    first_audio: Latency | None = None
    total: Latency | None = None
    speculated: int = 0
    discarded: int = 0
    speculation_cost: Decimal = Decimal(0)


class VoiceTurns:
    """Keeps receipts.

    Every method raises ``StorageError`` or one of its kin when the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, session_id: str, message_id: str, receipt: Receipt) -> None:
        """Keep what the turn took that was answered by this message."""
        await self._database.run(_add, session_id, message_id, datetime.now(UTC), receipt)

    async def receipts(self, session_id: str | None = None, since: datetime | None = None) -> list[Receipt]:
        """The receipts of a session, or since a moment, or both, or all; oldest first."""
        return await self._database.read(_receipts, session_id, since)

    async def figures(self, session_id: str | None = None, since: datetime | None = None) -> VoiceFigures:
        """Percentiles over the turns of a session, or since a moment, or both, or all."""
        receipts = await self.receipts(session_id, since)
        return VoiceFigures(
            turns=len(receipts),
            endpoint=_latency([receipt.endpoint for receipt in receipts]),
            transcript=_latency([receipt.transcript for receipt in receipts]),
            first_token=_latency([receipt.first_token for receipt in receipts]),
            first_audio=_latency([receipt.first_audio for receipt in receipts]),
            total=_latency([receipt.total for receipt in receipts]),
            speculated=sum(receipt.speculated for receipt in receipts),
            discarded=sum(receipt.discarded for receipt in receipts),
            speculation_cost=sum(
                (receipt.speculation_cost or Decimal(0) for receipt in receipts), Decimal(0)
            ),
        )


_PARTS = (
    voice_turns.c.turn,
    voice_turns.c.endpoint,
    voice_turns.c.transcript,
    voice_turns.c.first_token,
    voice_turns.c.first_audio,
    voice_turns.c.total,
    voice_turns.c.speculated,
    voice_turns.c.discarded,
    voice_turns.c.speculation_cost,
)


def _add(
    connection: Connection, session_id: str, message_id: str, happened_at: datetime, receipt: Receipt
) -> None:
    parts = {column.name: getattr(receipt, column.name) for column in _PARTS}
    place = {"session_id": session_id, "message_id": message_id, "happened_at": happened_at}
    connection.execute(insert(voice_turns), {**place, **parts})


def _receipts(connection: Connection, session_id: str | None, since: datetime | None) -> list[Receipt]:
    query = select(*_PARTS).order_by(voice_turns.c.number)
    if session_id is not None:
        query = query.where(voice_turns.c.session_id == session_id)
    if since is not None:
        query = query.where(voice_turns.c.happened_at >= since)
    return [Receipt(**row) for row in connection.execute(query).mappings()]


def receipts_by_message(connection: Connection, session_id: str) -> dict[str, Receipt]:
    """The receipts of a session by the answer; for those who are on the storage worker already."""
    query = select(voice_turns.c.message_id, *_PARTS).where(voice_turns.c.session_id == session_id)
    return {message_id: Receipt(*parts) for message_id, *parts in connection.execute(query)}


def _latency(times: Sequence[float | None]) -> Latency | None:
    """By nearest rank, so that every figure is one that was measured."""
    known = sorted(time for time in times if time is not None)
    if not known:
        return None
    return Latency(known[ceil(len(known) * 0.5) - 1], known[ceil(len(known) * 0.95) - 1])
