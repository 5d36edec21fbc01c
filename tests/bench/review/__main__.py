"""The cost review over a million calls: ``python -m tests.bench.review [--rows N] [--database NAME]``.

Budgets: the screen opens within 300 ms, any grouping answers within 500 ms, a row is written within 1 ms.
Beside each grouping, in the same run, is what the same question takes of the bare table of calls, without the
sums that the database keeps. The history is made up from a seed, and kept for the day in the system's folder
for temporary files.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import make_url

from core.catalogue import load_catalogue
from core.costs.periods import period
from core.locations import Locations
from core.records import Records, open_records
from core.review import Scope
from tests.bench.review.build import fill, ledger_file
from tests.bench.review.opening import open_screen
from tests.bench.review.questions import Question, questions
from tests.bench.review.writes import write
from tests.postgres_server import PostgresServer, what_is_missing_for_postgresql

RUNS = 5
WRITE_BUDGET, SCREEN_BUDGET = 1.0, 300
_SERVER = {"shared_buffers": "128MB", "autovacuum": "on"}
"""As PostgreSQL comes."""
_PROGRAM = str(Path(sys.executable).with_name("tensorwall"))


async def measure(location: str | Path, empty: str | Path) -> int:
    """Print the tables for one database; the number of sessions of this month."""
    month = Scope(since=period("month", datetime.now(UTC)).since)
    records = await open_records(location, load_catalogue())
    try:
        print(f"{'milliseconds':<44}{'median':>9}{'p95':>9}{'budget':>9}{'bare':>9}{'bare/ours':>11}")
        for question in await questions(records):
            await _print(question)
        await _print_writes(records, empty)
        sessions = (await records.review.sessions(month, limit=1)).count
    finally:
        await records.aclose()
    return sessions


async def _print(question: Question) -> None:
    ours, bare = [], []
    for _ in range(RUNS):
        ours.append(await _seconds(question.ask))
        if question.bare is not None:
            bare.append(await _seconds(question.bare))
    line = _figures(question.name, ours, question.budget)
    if bare:
        without = statistics.median(bare)
        line += f"{without * 1_000:>9.1f}{without / statistics.median(ours):>11.1f}"
    print(line, flush=True)


async def _print_writes(records: Records, empty: str | Path) -> None:
    print(f"\n{'a row':<44}{'median':>9}{'p95':>9}{'budget':>9}{'in an empty ledger':>20}")
    other = await open_records(empty, load_catalogue())
    try:
        small = await write(other, "bench")
        full = await write(records, "bench")
    finally:
        await other.aclose()
    for name, took in full.items():
        print(f"{_figures(name, took, WRITE_BUDGET)}{statistics.median(small[name]) * 1_000:>20.2f}")


def _figures(name: str, took: list[float], budget: float) -> str:
    """A star marks a median beyond the budget."""
    median, p95 = statistics.median(took) * 1_000, sorted(took)[int(len(took) * 0.95)] * 1_000
    digits = 1 if budget > 10 else 2
    mark = "*" if median > budget else " "
    return f"{name:<44}{median:>9.{digits}f}{p95:>9.{digits}f}{budget:>8g}{mark}"


async def _seconds(ask: Callable[[], Awaitable[object]]) -> float:
    begun = time.perf_counter()
    await ask()
    return time.perf_counter() - begun


def on_sqlite(rows: int, until: datetime) -> None:
    """All of it, on a copy of the history."""
    begun = time.monotonic()
    history = ledger_file(rows, until)
    print(f"\nSQLite, {rows:,} calls ({time.monotonic() - begun:.0f} s to make them, or kept)")
    with tempfile.TemporaryDirectory() as home:
        file = Locations.under(Path(home)).database_file
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(history, file)
        sessions = asyncio.run(measure(file, Path(home, "empty.db")))
        first, *again = open_screen(_PROGRAM, Path(home), sessions)
    print(f"\n{'the screen, from the key to the sessions':<44}{'median':>9}{'p95':>9}{'budget':>9}")
    print(_figures("for the first time, with its imports", [first], SCREEN_BUDGET))
    print(_figures("again", again, SCREEN_BUDGET))


def on_postgresql(rows: int, until: datetime) -> None:
    """The questions and the writes, on a server of our own."""
    if missing := what_is_missing_for_postgresql():
        print(f"\nno PostgreSQL: {missing}")
        return
    with _server() as server, server.database() as location, server.database() as empty:
        begun = time.monotonic()
        asyncio.run(fill(location, rows, until))
        server.execute("VACUUM ANALYZE", str(make_url(location).database))
        print(f"\nPostgreSQL, {rows:,} calls ({time.monotonic() - begun:.0f} s to make them)")
        asyncio.run(measure(location, empty))


@contextmanager
def _server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="tw-postgres-") as folder:
        server = PostgresServer(Path(folder), _SERVER)
        try:
            server.start()
            yield server
        finally:
            server.kill()


def main() -> None:
    """Print the tables of both databases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="calls in the ledger")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append", help="default: both")
    options = parser.parse_args()
    until = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    measured = {"sqlite": on_sqlite, "postgresql": on_postgresql}
    for name in options.database or measured:
        measured[name](options.rows, until)


if __name__ == "__main__":
    main()
