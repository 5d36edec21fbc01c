"""What tests of marked calls share: a desk that marks, and what there is to see beside the database."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.chat import UpstreamCall
from core.costs.call_journal import journals_beside, marks_left_behind
from core.records import Records
from tests.core.costs.test_budget_gate import REQUEST
from tests.core.costs.test_group_ledger import Desk, until


def marked_beside(location: Path) -> set[str]:
    """The calls that have marks right now, of whatever process."""
    folder = journals_beside(location)
    assert folder is not None
    journals = marks_left_behind(folder, lambda _: False).values()
    return {mark.call.call_id for marks in journals for mark in marks}


def is_clean(location: Path) -> bool:
    """Whether no journal is left, nor their folder."""
    folder = journals_beside(location)
    return folder is not None and not folder.exists()


def admitted_at_once(desk: Desk, made: UpstreamCall, output_cap: int = 100) -> None:
    """It is admitted without the event loop being given back, or the test fails."""
    asking = desk.entry().admit(made, REQUEST, output_cap)
    with pytest.raises(StopIteration) as answer:
        asking.send(None)
    assert answer.value.value == output_cap


async def histories(records: Records) -> None:
    """From now on note what becomes of the rows."""
    await records.database.run(lambda c: c.exec_driver_sql("CREATE TABLE history (call_id, outcome)"))
    for event in ("INSERT", "UPDATE"):
        noting = "BEGIN INSERT INTO history VALUES (NEW.call_id, NEW.outcome); END"
        trigger = f"CREATE TRIGGER note_{event} AFTER {event} ON calls {noting}"
        await records.database.run(lambda c, trigger=trigger: c.exec_driver_sql(trigger))


async def history(records: Records, made: UpstreamCall) -> list[str]:
    query = "SELECT outcome FROM history WHERE call_id = ? ORDER BY rowid"
    return await records.database.read(lambda c: list(c.exec_driver_sql(query, (made.call_id,)).scalars()))


@contextmanager
def busy_worker(records: Records) -> Iterator[None]:
    """Whatever is handed to the database meanwhile is done afterwards."""
    go = threading.Event()
    records.database.offload(go.wait)
    try:
        yield
    finally:
        go.set()


async def pass_time(seconds: float) -> None:
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    await until(lambda: clock() > end)
