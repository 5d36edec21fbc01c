"""Processes that are killed at any moment: each call that they sent is found, exactly once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from core.costs.ledger_records import CallRecord
from core.records import Records, open_records
from tests.core.costs.marked import is_clean, marked_beside
from tests.core.costs.test_budget_gate import REQUEST, Models, call
from tests.core.costs.test_group_ledger import Desk
from tests.databases import on_sqlite

pytestmark = on_sqlite

ROOT = Path(__file__).parents[3]

# Tells each call when it is sent, and when it is over; some run for long, and have rows by then.
SERVER = """
import asyncio, os, sys
from random import Random
from core.records import open_records
from tests.core.costs.test_budget_gate import REQUEST, Models, call
from tests.core.costs.test_group_ledger import Desk, ended

def tell(word, made):
    os.write(1, f"{word} {made.call_id}\\n".encode())

async def serve(desk, chance):
    while True:
        made = call()
        await desk.entry().admit(made, REQUEST, 100)
        tell("sent", made)
        for _ in range(chance.choice([0, 1, 10, 1_000])):
            await asyncio.sleep(0)
        tell("over", made)
        desk.ledger.ended(ended(made, 10))

async def main():
    records, chance = await open_records(sys.argv[1], Models()), Random(int(sys.argv[2]))
    desk = await Desk(records).open(marked=True, name=sys.argv[2])
    await asyncio.gather(*(serve(desk, chance) for _ in range(20)))

asyncio.run(main())
"""

RECOVERER = """
import asyncio, sys
from core.records import open_records
import core.storage.store  # which takes a while
from tests.core.costs.test_budget_gate import Models

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    await (await open_records(sys.argv[1], Models())).aclose()

asyncio.run(main())
"""


@contextmanager
def process(code: str, *arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, *map(str, arguments)]
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as started:
        try:
            yield started
        finally:
            started.kill()


def killed(location: Path, seed: int) -> tuple[set[str], set[str]]:
    """Kill a server at some moment; the calls that it sent, and those of them that were over."""
    chance = Random(seed)
    with process(SERVER, location, seed) as server:
        assert server.stdout is not None
        told = [server.stdout.readline() for _ in range(chance.randint(1, 1_500))]
        server.send_signal(signal.SIGKILL)
        told += server.stdout.readlines()
    words = [line.decode().split() for line in told if line.endswith(b"\n")]
    return {name for word, name in words if word == "sent"}, {name for word, name in words if word == "over"}


def check(rows: list[CallRecord], sent: set[str], over: set[str]) -> None:
    outcomes = {row.call_id: row.outcome for row in rows}
    assert len(outcomes) == len(rows)
    assert sent <= set(outcomes)
    assert len(set(outcomes) - sent) <= 1  # it was killed before it could tell
    assert set(outcomes.values()) <= {"answered", "crashed"}
    running = sent - over
    assert all(outcomes[name] == "crashed" for name in running)
    for row in rows:
        if row.outcome == "crashed":
            assert row.cost is not None
            assert row.cost == row.reserved
            assert row.cost > 0


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_was_sent_is_found_exactly_once(location: Path, seed: int) -> None:
    sent, over = await asyncio.to_thread(killed, location, seed)
    records = await open_records(location, Models())
    rows = await records.ledger.rows()
    check(rows, sent, over)
    assert is_clean(location)
    assert await records.ledger.recover() == 0
    await records.aclose()
    again = await open_records(location, Models())
    assert await again.ledger.rows() == rows
    await again.aclose()


async def test_several_processes_that_come_at_once_recover_it_once(location: Path) -> None:
    sent, over = await asyncio.to_thread(killed, location, 11)
    recoverers = [process(RECOVERER, location) for _ in range(3)]
    with recoverers[0] as one, recoverers[1] as two, recoverers[2] as three:
        for each in (one, two, three):
            assert each.stdout is not None
            assert await asyncio.to_thread(each.stdout.readline) == b"ready\n"
        for each in (one, two, three):
            assert each.stdin is not None
            each.stdin.write(b"\n")
            each.stdin.flush()
        for each in (one, two, three):
            assert await asyncio.to_thread(each.wait, 60) == 0
    assert is_clean(location)
    records = await open_records(location, Models())
    check(await records.ledger.rows(), sent, over)
    assert await records.ledger.recover() == 0
    await records.aclose()


async def test_a_recovery_that_is_killed_is_done_by_the_next(location: Path) -> None:
    sent, over = await asyncio.to_thread(killed, location, 21)
    for patience in (0.005, 0.02, 0.05):
        with process(RECOVERER, location) as recoverer:
            assert recoverer.stdin is not None
            assert recoverer.stdout is not None
            assert await asyncio.to_thread(recoverer.stdout.readline) == b"ready\n"
            recoverer.stdin.write(b"\n")
            recoverer.stdin.flush()
            with suppress(subprocess.TimeoutExpired):
                recoverer.wait(patience)  # about as long as it takes
            recoverer.send_signal(signal.SIGKILL)
    records = await open_records(location, Models())
    check(await records.ledger.rows(), sent, over)
    assert is_clean(location)
    await records.aclose()


@pytest.fixture
async def crashed(location: Path) -> set[str]:
    """Calls of a TensorWall that is gone, of which there are marks only."""
    records = await open_records(location, Models())
    desk = await Desk(records).open(marked=True)
    made = [call() for _ in range(10)]
    for one in made:
        await desk.entry().admit(one, REQUEST, 100)
    await records.aclose()
    return {one.call_id for one in made}


async def test_several_that_recover_at_once_in_one_process_do_it_once(
    location: Path, crashed: set[str]
) -> None:
    assert marked_beside(location) == crashed
    opened: list[Records] = await asyncio.gather(*(open_records(location, Models()) for _ in range(4)))
    rows = await opened[0].ledger.rows()
    check(rows, crashed, set())
    assert {row.call_id for row in rows} == crashed
    assert [await records.ledger.recover() for records in opened] == [0, 0, 0, 0]
    assert is_clean(location)
    for records in opened:
        await records.aclose()


async def test_marks_of_those_who_live_are_left_alone(location: Path) -> None:
    records = await open_records(location, Models())
    desk = await Desk(records).open(marked=True)
    await desk.entry().admit(made := call(), REQUEST, 100)
    other = await open_records(location, Models())
    assert await other.ledger.recover() == 0
    assert await records.ledger.recover() == 0
    assert marked_beside(location) == {made.call_id}
    assert await other.ledger.rows() == []
    await records.aclose()
    assert await other.ledger.recover() == 1
    await other.aclose()
    assert is_clean(location)


async def test_a_mark_that_outlived_its_row_changes_nothing(location: Path, crashed: set[str]) -> None:
    """As where a TensorWall is killed after it has written the row, and before it could erase the mark."""
    folder = location.with_name(f"{location.name}-calls")
    (journal,) = folder.iterdir()
    content = journal.read_bytes()
    records = await open_records(location, Models())
    rows = await records.ledger.rows()
    assert {row.call_id for row in rows} == crashed
    folder.mkdir()
    journal.write_bytes(content)
    assert await records.ledger.recover() == 0
    assert await records.ledger.rows() == rows
    assert is_clean(location)
    await records.aclose()
