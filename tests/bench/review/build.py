"""The ledger of the benchmark as a database, written through the real tables and their triggers."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Table, insert

from core.storage import open_database
from core.storage.schema import MIGRATIONS
from core.storage.tables import calls, messages, sessions, voice_turns
from tests.bench.review.history import Row, history

__all__ = ("fill", "ledger_file")

SEED = 4


def ledger_file(rows: int, until: datetime) -> Path:
    """An SQLite file with so many calls; made once a day, and again where tables or history changed."""
    sources = [Path(history.__code__.co_filename), *sorted(MIGRATIONS.glob("versions/*.py"))]
    version = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir(), "tensorwall-bench")
    file = folder / f"{rows}-{SEED}-{until:%Y%m%d}-{version}.db"
    if not file.exists():
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():  # only the latest is of use, and each is a gigabyte
            if old.is_file():
                old.unlink()
        draft = file.with_suffix(".part")
        asyncio.run(fill(draft, rows, until))
        draft.rename(file)
    return file


async def fill(location: str | Path, rows: int, until: datetime) -> None:
    """Write the history, a transaction a week."""
    async with await open_database(location) as database:
        for week in history(rows, SEED, until):
            tables = {sessions: week.sessions, messages: week.messages, calls: week.calls}
            await database.run(_insert, {**tables, voice_turns: week.voice_turns})
        await database.run(_make_findable)


def _insert(connection: Connection, rows: dict[Table, list[Row]]) -> None:
    for table, values in rows.items():
        if values:
            connection.execute(insert(table), values)


def _make_findable(connection: Connection) -> None:
    """All messages at once; they are plain ASCII, which goes into the index as it is."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            "INSERT INTO message_search (rowid, text) SELECT number, text FROM messages"
        )
