"""Takes another program's usage into the ledger, in batches of one transaction; again, only what is new.

Needs SQLAlchemy, so import it once a database is open.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, insert, select, text

from core.costs.imports.ledger_rows import LedgerRow, LedgerRows
from core.costs.imports.litellm_logs import LiteLLMLogs
from core.costs.imports.llm_logs import LlmLogs
from core.costs.imports.usage_history import LABELS, ImportedCall, ImportKind, SkippedRow, UsageHistory
from core.costs.ledger_lock import lock_ledger
from core.costs.price_rows import keep_price
from core.costs.worst_case import PricedModels
from core.errors import InputError, StorageError, TensorWallError
from core.storage import Database
from core.storage.tables import calls

__all__ = ("ImportKind", "ImportReport", "import_usage")

Progress = Callable[[int, int], None]
"""Told how many rows were read and how many there are, by estimate where they cannot be counted first."""

_BATCH = 1_000
_FIRST_SKIPPED = 10
_INSERT = insert(calls)
_NAME_SESSION = text(
    "INSERT INTO imported_sessions (session_id, source, title) VALUES (:session_id, :source, :title) "
    "ON CONFLICT DO NOTHING"
)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import.

    Attributes:
        read: rows of the file; each was new, known or skipped.
        new: calls that were added to the ledger.
        known: calls that were there already, from an earlier import or earlier in the file.
        reasons: why rows were skipped, and how many for each.
        first_skipped: the first few of them.
        sessions: that were named for the first time.
        unknown_prices: of the new calls, those whose cost is unknown.
        unpriced: how many those are of each model, by ``provider/model``; the most called first.
    """

    kind: ImportKind
    read: int
    new: int
    known: int
    skipped: int
    reasons: Mapping[str, int]
    first_skipped: tuple[SkippedRow, ...]
    sessions: int
    unknown_prices: int
    unpriced: Mapping[str, int]


async def import_usage(
    database: Database,
    models: PricedModels,
    path: Path,
    *,
    kind: ImportKind | None = None,
    content: IO[bytes] | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Take the calls in a history of ``llm`` or in spend logs of LiteLLM into the ledger.

    What starts in the future is skipped: it would count as spent in every budget until then. Cancelled, or
    failed on the way, what was written stays; importing again adds what is missing.

    Args:
        database: holds the ledger.
        models: prices what the file does not, at the time of each call.
        path: the file.
        kind: whose it is; by default its content tells.
        content: of spend logs that are in no file, such as stdin; it can be rewound, and is closed.
        progress: called after every batch.

    Raises:
        InputError: it is no such file, or it cannot be read on; names the line where there are lines.
        StorageError: or one of its kin: the ledger cannot be written.
    """
    history = await asyncio.wrap_future(database.offload(lambda: _open(path, kind, content)))
    rows, ledger_rows = iter(history), LedgerRows(history.kind, models)
    tally = _Tally(history.kind)
    try:
        while batch := await asyncio.wrap_future(database.offload(lambda: _take(rows, ledger_rows))):
            tally.add(await database.run(_write, history.kind, batch.calls))
            tally.skip(batch.skipped)
            tally.read += len(batch.calls) + len(batch.skipped)
            if progress is not None:
                progress(tally.read, history.rows(tally.read))
        if progress is not None:
            progress(tally.read, tally.read)
    except TensorWallError as error:
        if tally.new:
            kept = f"{tally.new:,} calls were imported before that and stay; importing again goes on."
            error.hint = f"{error.hint} {kept}".lstrip()
        raise
    finally:
        with contextlib.suppress(StorageError):  # closed, and the file goes with it
            await asyncio.wrap_future(database.offload(history.close))
    return tally.report()


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some rows of a file."""

    calls: Sequence[LedgerRow]
    skipped: Sequence[SkippedRow]


def _take(rows: Iterator[ImportedCall | SkippedRow], ledger_rows: LedgerRows) -> _Batch | None:
    """The next batch, priced; outside of any transaction, since that takes time. ``None`` at the end."""
    taken = list(islice(rows, _BATCH))
    if not taken:
        return None
    return _Batch(
        calls=[ledger_rows.of(row) for row in taken if isinstance(row, ImportedCall)],
        skipped=[row for row in taken if isinstance(row, SkippedRow)],
    )


def _open(path: Path, kind: ImportKind | None, content: IO[bytes] | None) -> UsageHistory:
    now = datetime.now(UTC)
    try:
        is_database = content is None and LlmLogs.recognises(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}.",
            hint="Check the path and that the file is yours to read.",
        ) from error
    if is_database != (kind == "llm") and kind is not None:
        what = "an SQLite database" if is_database else "no SQLite database"
        raise InputError(
            f"{path} is no usage history of {LABELS[kind]}: it is {what}.",
            hint="llm keeps its history in logs.db (`llm logs path`); LiteLLM's spend logs are JSON or CSV.",
        )
    return LlmLogs(path, now) if is_database else LiteLLMLogs(path, now, content)


@dataclass(frozen=True, slots=True)
class _Written:
    """What came of a batch."""

    new: int = 0
    known: int = 0
    sessions: int = 0
    unpriced: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Tally:
    """What came of an import so far."""

    kind: ImportKind
    read: int = 0
    new: int = 0
    known: int = 0
    sessions: int = 0
    unpriced: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    first_skipped: list[SkippedRow] = field(default_factory=list)

    def skip(self, rows: Sequence[SkippedRow]) -> None:
        self.reasons.update(row.reason for row in rows)
        self.first_skipped += rows[: _FIRST_SKIPPED - len(self.first_skipped)]

    def add(self, written: _Written) -> None:
        self.new += written.new
        self.known += written.known
        self.sessions += written.sessions
        self.unpriced.update(written.unpriced)

    def report(self) -> ImportReport:
        return ImportReport(
            kind=self.kind,
            read=self.read,
            new=self.new,
            known=self.known,
            skipped=self.reasons.total(),
            reasons=dict(self.reasons.most_common()),
            first_skipped=tuple(self.first_skipped),
            sessions=self.sessions,
            unknown_prices=self.unpriced.total(),
            unpriced=dict(self.unpriced.most_common()),
        )


def _write(connection: Connection, kind: ImportKind, batch: Sequence[LedgerRow]) -> _Written:
    """Add what is new of a batch, in one transaction."""
    lock_ledger(connection)
    rows = {row.values["call_id"]: row for row in reversed(batch)}
    known = set(connection.scalars(select(calls.c.call_id).where(calls.c.call_id.in_(rows))))
    new = [row for call_id, row in rows.items() if call_id not in known]
    if not new:
        return _Written(known=len(batch))
    connection.execute(_INSERT, [row.values for row in new])
    for row in {row.price.id: row for row in new if row.price}.values():
        assert row.price is not None
        keep_price(connection, row.values["provider"], row.values["model"], row.price)
    return _Written(
        new=len(new),
        known=len(batch) - len(new),
        sessions=_name_sessions(connection, kind, new),
        unpriced=Counter(
            f"{row.values['provider']}/{row.values['model']}" for row in new if row.values["cost"] is None
        ),
    )


def _name_sessions(connection: Connection, kind: ImportKind, new: Sequence[LedgerRow]) -> int:
    """How many had no name yet; the first call of a session names it."""
    titles = {row.values["session_id"]: row.title for row in new if row.values["session_id"]}
    return sum(
        connection.execute(_NAME_SESSION, {"session_id": session_id, "source": kind, "title": title}).rowcount
        for session_id, title in titles.items()
    )
