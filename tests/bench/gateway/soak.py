"""The gateway under load for as long as one likes: is every call booked once, and is anything left behind?

The upstream makes a tenth of its answers go wrong, and some of the clients leave, send a wrong key or
nonsense. It holds when the ledger has a row for each call that the upstream counted, none of them running,
its sums are those of its rows, nothing of a request is left, neither memory nor files grow, and no client
got an answer that it should not get.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import uvloop
from prometheus_client.parser import text_string_to_metric_families
from pydantic_core import from_json

from tests.bench.gateway.running import upstream
from tests.bench.gateway.soak_client import Asked, ask_until
from tests.bench.gateway.upstream import HANG_UP
from tests.gateway_process import RunningGateway, gateway_process

__all__ = ("soak",)

_WARM_UP = 20.0
_EVERY = 2.0
_QUIET_LIMIT = 60.0
_MOST_GROWTH = 0.1
"""Of the memory, over the second half, beside what SQLite keeps of the growing file."""
_CACHE = 64.0
"""Megabytes of the file that each process keeps at most."""
_SPARE_FILES = 8
_SPARE_THREADS = 4
_NOTHING_LEFT = {
    "tensorwall_requests_in_flight": "chat",
    "tensorwall_streams_open": None,
    "tensorwall_ledger_running_calls": None,
    "tensorwall_ledger_unsettled_calls": None,
}
_SETTINGS = """\
[budgets.month]
hard = 1000000
"""
"""So that every call is counted against a limit."""


@dataclass(frozen=True)
class _Held:
    """What the gateway's processes hold; connections to the upstream are kept on purpose.

    Attributes:
        cached: megabytes that SQLite may keep of the file.
        files: without sockets.
        clients: connections of clients.
    """

    megabytes: float
    cached: float
    files: int
    clients: int
    threads: int


@dataclass
class _Report:
    """The table that is printed, and whether it is as it should be."""

    rows: list[tuple[str, str, bool]] = field(default_factory=list)

    def add(self, what: str, found: object, *, holds: bool = True) -> None:
        self.rows.append((what, str(found), holds))

    def print(self) -> bool:
        """Whether all held."""
        width = max(len(what) for what, _, _ in self.rows)
        for what, found, holds in self.rows:
            print(f"{what:<{width}}  {found}{'' if holds else '   <- DOES NOT HOLD'}")
        return all(holds for _, _, holds in self.rows)


def soak(*, minutes: float, connections: int, workers: int, faults: float) -> bool:
    """Run it and print what was found; whether it held."""
    options = ("--workers", str(workers)) if workers > 1 else ()
    report = _Report()
    with (
        tempfile.TemporaryDirectory(prefix="tw-soak-") as folder,
        upstream(faults=faults) as (address, _),
    ):
        home = Path(folder) / "home"
        with gateway_process(home, f"{address}/openai/v1", *options, settings=_SETTINGS) as running:
            uvloop.run(_run(running, minutes * 60, connections, report))
            counted: dict[str, int] = from_json(_get(f"{address}/count"))
        report.add("exit status", running.process.returncode, holds=running.process.returncode == 0)
        _compare(_database(running), counted, report)
    return report.print()


async def _run(running: RunningGateway, seconds: float, connections: int, report: _Report) -> None:
    loop = asyncio.get_running_loop()
    await ask_until(loop.time() + _WARM_UP, running.root, running.key, connections, 1)
    await _quiet(running)
    before = _held(running)
    watching = asyncio.create_task(_watch(running, seconds))
    asked = await ask_until(loop.time() + seconds, running.root, running.key, connections, 2)
    samples = await watching
    left = await _quiet(running)
    _tell_answers(asked, seconds, report)
    for name, value in left.items():
        report.add(name.removeprefix("tensorwall_"), f"{value:.0f}", holds=value == 0)
    _tell_held(before, samples, _held(running), report)
    state = from_json(_get(f"{running.root}/health"))["status"]
    report.add("health", state, holds=state == "ok")


async def _watch(running: RunningGateway, seconds: float) -> list[tuple[float, _Held]]:
    """What is held while it runs, and when."""
    samples, began = [], time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        samples.append((passed, _held(running)))
        await asyncio.sleep(_EVERY)
    return samples


async def _quiet(running: RunningGateway) -> dict[str, float]:
    """Wait until nothing of any request is left; what is left when that takes too long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _QUIET_LIMIT
    while any((left := await loop.run_in_executor(None, _left, running)).values()):
        if loop.time() > deadline:
            break
        await asyncio.sleep(0.2)
    return left


def _left(running: RunningGateway) -> dict[str, float]:
    left = dict.fromkeys(_NOTHING_LEFT, 0.0)
    text = _get(f"{running.root}/metrics", {"X-API-Key": running.key}).decode()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in left and _NOTHING_LEFT[sample.name] in (None, sample.labels.get("endpoint")):
                left[sample.name] += sample.value
    return left


def _family(running: RunningGateway) -> Iterator[psutil.Process]:
    parent = psutil.Process(running.pid)
    yield parent
    yield from parent.children(recursive=True)


def _held(running: RunningGateway) -> _Held:
    port = int(running.root.rpartition(":")[2])
    kept = min(_CACHE, _database(running).stat().st_size / 1e6)
    megabytes, cached, files, clients, threads = 0.0, 0.0, 0, 0, 0
    for process in _family(running):
        sockets = [one for one in process.net_connections("tcp") if one.status != psutil.CONN_LISTEN]
        ours = sum(one.laddr.port == port for one in sockets)
        megabytes += process.memory_info().rss / 1e6
        clients += ours
        files += process.num_fds() - len(sockets)
        threads += process.num_threads()
        cached += kept if process.num_threads() > 1 else 0.0
    return _Held(megabytes, cached, files, clients, threads)


def _database(running: RunningGateway) -> Path:
    return running.log.parent / "data" / "tensorwall.db"


def _tell_answers(asked: Asked, seconds: float, report: _Report) -> None:
    total = asked.answers.total()
    report.add("questions", f"{total:,} ({total / seconds:,.0f}/s)", holds=total > 0)
    ways: dict[str, Counter[str]] = {}
    for (way, answer), number in asked.answers.items():
        ways.setdefault(way, Counter())[answer] += number
    for way in sorted(ways):
        told = ", ".join(f"{answer}: {number:,}" for answer, number in ways[way].most_common())
        report.add(f"  {way}", told)
    wrong = asked.answers.total() and sum(asked.broken.values())
    report.add("answers that should not be", dict(asked.broken) or 0, holds=not wrong)


def _tell_held(before: _Held, samples: list[tuple[float, _Held]], after: _Held, report: _Report) -> None:
    report.add("open client connections", after.clients, holds=after.clients == 0)
    report.add(
        "files, without sockets",
        f"{before.files} -> {after.files}",
        holds=after.files <= before.files + _SPARE_FILES,
    )
    report.add(
        "threads",
        f"{before.threads} -> {after.threads}",
        holds=after.threads <= before.threads + _SPARE_FILES,
    )
    later = samples[len(samples) // 2 :]
    times, sizes = [at for at, _ in later], [held.megabytes - held.cached for _, held in later]
    slope = statistics.linear_regression(times, sizes).slope
    growth = slope * (times[-1] - times[0])
    most = max(held.megabytes for _, held in samples)
    report.add("memory", f"{before.megabytes:.0f} -> {after.megabytes:.0f} MB, at most {most:.0f} MB")
    report.add("  of which SQLite's of the file", f"{before.cached:.0f} -> {after.cached:.0f} MB")
    report.add(
        "  growth of the rest in the second half",
        f"{growth:+.1f} MB ({slope * 3600:+.0f} MB/h)",
        holds=growth <= _MOST_GROWTH * statistics.mean(sizes),
    )


def _compare(file: Path, counted: dict[str, int], report: _Report) -> None:
    """The ledger beside the upstream's own count.

    A call whose client left before its first word may have been given up before it was sent. A kept
    connection that is closed without a word counts as a dead one, on which nothing was asked: the call is
    sent again, on another, and stays one call. So those that were hung up on are left out on both sides.
    """
    with closing(sqlite3.connect(file)) as database:
        outcomes = dict(database.execute("SELECT outcome, COUNT(*) FROM calls GROUP BY outcome"))
        doubtful = "SELECT COUNT(*) FROM calls WHERE outcome = 'cancelled' AND first_token IS NULL"
        (unsent,) = database.execute(doubtful).fetchone()
        hung_up = "SELECT COUNT(*) FROM calls WHERE outcome = 'failed' AND error_type = 'ConnectionFailed'"
        (unanswered,) = database.execute(hung_up).fetchone()
        of_rows = database.execute("SELECT COUNT(*), SUM(cost), SUM(prompt_tokens) FROM calls").fetchone()
        of_sums = database.execute("SELECT SUM(calls), SUM(cost), SUM(prompt_tokens) FROM spend").fetchone()
        unpriced = "SELECT COUNT(*) FROM calls WHERE cost IS NULL OR writer IS NOT NULL"
        (unsettled,) = database.execute(unpriced).fetchone()
        (sound,) = database.execute("PRAGMA integrity_check").fetchone()
    report.add("upstream counted", f"{sum(counted.values()):,} ({_words(counted)})")
    report.add("ledger has", f"{sum(outcomes.values()):,} ({_words(outcomes)})")
    report.add("  hung up on, perhaps never sent", f"{unanswered:,}, {unsent:,}")
    sent = sum(counted.values()) - counted.get(HANG_UP, 0)
    missing = sent - (sum(outcomes.values()) - unanswered)
    report.add("  rows that are missing", missing, holds=-unsent <= missing <= 0)
    lost = outcomes.get("running", 0) + outcomes.get("crashed", 0) + unsettled
    report.add("  running, crashed or without a cost", lost, holds=lost == 0)
    report.add("sums are those of the rows", of_sums == of_rows, holds=of_sums == of_rows)
    report.add("database", sound, holds=sound == "ok")


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{name}: {number:,}" for name, number in sorted(counts.items()))


def _get(url: str, headers: dict[str, str] | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {}), timeout=30) as response:
        content: bytes = response.read()
        return content
