"""Programs of one user on a free tier: each knows what the others have used, so that none is refused."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.locations import find_locations
from tests.app.cli.conftest import PATIENCE, Run
from tests.app.cli.test_batch import line
from tests.simulated import Simulated

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def free_tier(simulator: Simulated) -> Simulated:
    simulator.configure(text="Well met.", reasoning="", limits="free")
    return simulator


def statuses(simulator: Simulated) -> list[int | None]:
    return [row["status"] for row in simulator.questions()]


def test_one_chat_after_another_is_not_refused(tensorwall: Run, free_tier: Simulated) -> None:
    free_tier.configure(content="markdown", tokens=800, reasoning="", limits="free")
    for _ in range(6):
        assert tensorwall("chat", "Hello").status == 0
    assert statuses(free_tier) == [200] * 6


def test_a_prompt_of_nearly_the_whole_limit_is_not_refused_where_the_limit_is_known(
    tensorwall: Run, free_tier: Simulated
) -> None:
    tensorwall("chat", "Hello")
    assert tensorwall("chat", stdin="word " * 6_500).out == "Well met.\n"
    assert statuses(free_tier) == [200, 200]


def test_chats_at_once_wait_for_each_other(start: Start, free_tier: Simulated) -> None:
    free_tier.configure(text="Well met.", reasoning="", limits="free", tokens_per_second=2)
    chats = [start("chat", "Hello") for _ in range(3)]
    for chat in chats:
        out, err = chat.communicate(timeout=PATIENCE)
        assert (chat.returncode, out) == (0, b"Well met.\n"), err
    assert statuses(free_tier) == [200] * 3


def test_a_chat_beside_a_batch_is_not_refused_and_neither_is_the_batch(
    tensorwall: Run, start: Start, free_tier: Simulated, tmp_path: Path
) -> None:
    free_tier.configure(text="Well met.", reasoning="", limits="free", tokens_per_second=5)
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(f"{line(f'n{n}', max_tokens=2_000)}\n" for n in range(8)))
    batch = start("batch", str(source), "-o", str(out), stderr=subprocess.DEVNULL)
    until = time.monotonic() + PATIENCE
    while not statuses(free_tier):
        assert time.monotonic() < until, "the batch has not begun"
    for _ in range(2):
        assert tensorwall("chat", "Hello").out == "Well met.\n"
    assert batch.wait(timeout=PATIENCE) == 0
    answers = [json.loads(row) for row in out.read_text().splitlines()]
    assert {row["response"]["status_code"] for row in answers} == {200}
    assert statuses(free_tier) == [200] * 10


def test_a_chat_that_was_killed_leaves_nothing_set_aside(
    tensorwall: Run, start: Start, free_tier: Simulated
) -> None:
    tensorwall("chat", "Hello")
    free_tier.configure(content="markdown", tokens=4_000, reasoning="", tokens_per_second=20, limits="free")
    for _ in range(2):
        chat = start("chat", "Hello")
        assert chat.stdout is not None
        assert chat.stdout.read(1)
        chat.send_signal(signal.SIGKILL)
        chat.wait()
    free_tier.configure(text="Well met.", reasoning="", limits="free")
    began = time.monotonic()
    assert tensorwall("chat", "Hello").out == "Well met.\n"
    assert time.monotonic() - began < PATIENCE
    (file,) = find_locations().limits_dir.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_routes_tell_what_other_programs_have_left(tensorwall: Run, free_tier: Simulated) -> None:
    (row,) = json.loads(tensorwall("routes", "--format", "json").out)
    assert row["limits"] == {}
    free_tier.configure(content="markdown", tokens=4_000, reasoning="", limits="free")
    tensorwall("chat", "Hello", "-m", "openai/gpt-oss-20b")
    rows = json.loads(tensorwall("routes", "--format", "json").out)
    (limits,) = (row["limits"] for row in rows if row["model"] == "openai/gpt-oss-20b")
    assert limits["requests_per_minute"]["limit"] == 30
    assert limits["requests_per_day"]["left"] == 999
    assert limits["tokens_per_minute"]["limit"] == 8_000
    assert 3_000 < limits["tokens_per_minute"]["left"] < 6_000
    head, *table = tensorwall("routes").out.splitlines()
    (shown,) = (row.split() for row in table if "openai/gpt-oss-20b" in row)
    assert head.split()[6] == "left"
    assert any(cell.endswith("%") and 35 < int(cell[:-1]) < 90 for cell in shown)


def test_where_files_cannot_be_kept_it_is_said_and_answered(tensorwall: Run, free_tier: Simulated) -> None:
    folder = find_locations().limits_dir
    folder.parent.mkdir(parents=True)
    folder.write_text("not a folder")
    ran = tensorwall("chat", "Hello")
    assert (ran.status, ran.out) == (0, "Well met.\n")
    assert ran.err.count(str(folder)) == 1
