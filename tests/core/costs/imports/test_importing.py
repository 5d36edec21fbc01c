"""What is the same for every program: batches, progress, cancelling, files that are none of them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.catalogue import Catalogue
from core.costs.imports import import_usage
from core.costs.ledger import Ledger
from core.errors import InputError
from core.storage import Database, open_database
from tests.core.costs.imports.llm_database import LlmDatabase


def spend_logs(path: Path, numbers: Any) -> Path:
    rows = (
        {
            "request_id": str(number),
            "model": "gpt-4o",
            "startTime": 1_790_000_000 + number,
            "prompt_tokens": number,
            "completion_tokens": 1,
            "spend": 0.001,
        }
        for number in numbers
    )
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


async def test_progress_is_told_after_every_batch_and_ends_with_all(
    tmp_path: Path, database: Database, catalogue: Catalogue
) -> None:
    told: list[tuple[int, int]] = []
    path = spend_logs(tmp_path / "spend", range(3_500))
    await import_usage(database, catalogue, path, progress=lambda *rows: told.append(rows))
    assert [read for read, _ in told] == [1_000, 2_000, 3_000, 3_500, 3_500]
    assert all(read <= total for read, total in told)
    assert 2_500 <= told[0][1] <= 4_500
    assert told[-1] == (3_500, 3_500)


async def test_the_event_loop_is_never_held_up_by_the_file(
    tmp_path: Path, database: Database, catalogue: Catalogue
) -> None:
    path = spend_logs(tmp_path / "spend", range(3_000))
    importing = asyncio.create_task(import_usage(database, catalogue, path))
    turns = 0
    while not importing.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await importing).new == 3_000
    assert turns > 8  # it waits for the worker at least twice a batch


async def test_cancelled_it_keeps_what_was_written(
    tmp_path: Path, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    path = spend_logs(tmp_path / "spend", range(5_000))
    importing: asyncio.Task[Any]

    def cancel(read: int, total: int) -> None:
        if read == 2_000:
            importing.cancel()

    importing = asyncio.create_task(import_usage(database, catalogue, path, progress=cancel))
    with pytest.raises(asyncio.CancelledError):
        await importing
    assert (await ledger.totals()).calls == 2_000
    report = await import_usage(database, catalogue, path)
    assert (report.new, report.known) == (3_000, 2_000)


async def test_what_is_twice_in_a_file_is_known_the_second_time(
    tmp_path: Path, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    path = spend_logs(tmp_path / "spend", [1, 2, 1, *range(3, 1_500), 2])
    report = await import_usage(database, catalogue, path)
    assert (report.read, report.new, report.known) == (1_501, 1_499, 2)
    assert (await ledger.totals()).calls == 1_499


async def test_the_same_id_in_two_programs_is_two_calls(
    tmp_path: Path, database: Database, catalogue: Catalogue, ledger: Ledger
) -> None:
    llm = LlmDatabase(tmp_path / "logs.db")
    llm.call("1")
    llm.close()
    await import_usage(database, catalogue, llm.path)
    assert (await import_usage(database, catalogue, spend_logs(tmp_path / "spend", [1]))).new == 1


@pytest.mark.parametrize("kind", ["llm", "litellm"])
async def test_a_file_of_the_other_program_is_refused(
    kind: Any, tmp_path: Path, database: Database, catalogue: Catalogue
) -> None:
    llm = LlmDatabase(tmp_path / "logs.db")
    llm.close()
    path = spend_logs(tmp_path / "spend", [1]) if kind == "llm" else llm.path
    with pytest.raises(InputError, match="no usage history of"):
        await import_usage(database, catalogue, path, kind=kind)


@pytest.mark.parametrize("name", ["missing", "."])
async def test_a_file_that_cannot_be_read_is_told(
    name: str, tmp_path: Path, database: Database, catalogue: Catalogue
) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        await import_usage(database, catalogue, tmp_path / name)


@settings(max_examples=25, deadline=None)
@given(files=st.lists(st.lists(st.integers(0, 30), min_size=1), min_size=1, max_size=4))
async def test_whatever_is_imported_in_whatever_order_every_call_is_there_once(
    files: list[list[int]], tmp_path_factory: pytest.TempPathFactory, catalogue: Catalogue
) -> None:
    folder = tmp_path_factory.mktemp("imported")
    async with await open_database(folder / "tensorwall.db") as database:
        new = 0
        for numbers in files:
            report = await import_usage(database, catalogue, spend_logs(folder / "spend", numbers))
            assert report.read == report.new + report.known + report.skipped == len(numbers)
            new += report.new
        totals = await Ledger(database, catalogue).totals()
        expected = {number for numbers in files for number in numbers}
        assert (totals.calls, totals.prompt_tokens) == (new, sum(expected)) == (len(expected), sum(expected))
