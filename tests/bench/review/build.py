"""The ledger of the benchmark as a database, written through the real tables and their triggers."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Table, insert

from core.storage import Database, open_database
from core.storage.schema import MIGRATIONS
from core.storage.tables import calls, messages, sessions, voice_turns
from tests.bench.review.history import Row, history

__all__ = ("fill", "ledger_file")

SEED = 4


async def ledger_file(rows: int, until: datetime) -> Path:
    """A home whose database has so many calls; made once a day, and again where tables or history changed."""
    sources = [Path(history.__code__.co_filename), *sorted(MIGRATIONS.glob("versions/*.py"))]
    version = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    folder = Path(tempfile.gettempdir(), "tensorwall-bench", f"{rows}-{SEED}-{until:%Y%m%d}-{version}")
    file = folder / "tensorwall.db"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".part")
        for old in folder.glob("*.part*"):
            old.unlink()
        async with await open_database(draft) as database:
            await fill(database, rows, until)
        draft.rename(file)
    return file


async def fill(database: Database, rows: int, until: datetime) -> None:
    """Write the history, a transaction a week; tells how long it took."""
    begun = time.monotonic()
    for week in history(rows, SEED, until):
        await database.run(_insert, {
            sessions: week.sessions, messages: week.messages, calls: week.calls, voice_turns: week.voice_turns,
        })  # fmt: skip
    await database.run(_make_findable)
    print(f"{rows:,} calls written in {time.monotonic() - begun:.0f} s", file=sys.stderr)


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
