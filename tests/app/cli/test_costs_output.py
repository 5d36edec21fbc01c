"""Where `tensorwall costs` writes: files, pipes, full disks, narrow terminals."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.app.cli.booked import Ledger
from tests.app.cli.conftest import COMMAND, ROOT, OnTerminal, Run, environment


def test_an_export_replaces_no_file_and_leaves_no_half_of_one(
    tensorwall: Run, ledger: Ledger, tmp_path: Path
) -> None:
    mine, closed = tmp_path / "mine.csv", tmp_path / "closed"
    mine.write_text("mine")
    ran = tensorwall("costs", "-o", str(mine))
    assert (ran.status, mine.read_text()) == (2, "mine")
    assert "is there already" in ran.err
    assert "There is no folder" in tensorwall("costs", "-o", str(tmp_path / "no" / "x.csv")).err
    closed.mkdir(mode=0o500)
    if os.access(closed, os.W_OK):
        closed = Path("/proc")  # nobody may make a file there, not even root
    ran = tensorwall("costs", "-o", str(closed / "x.csv"))
    assert ran.status == 2
    assert "tensorwall: " in ran.err
    assert sorted(tmp_path.glob("*.csv")) == [mine]


def costs_into(stdout: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, "costs"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(None),
        check=False,
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told(ledger: Ledger) -> None:
    with Path("/dev/full").open("wb") as full:
        done = costs_into(full)
    assert done.returncode == 1
    assert b"stdout cannot be written" in done.stderr


def test_a_reader_that_goes_away_ends_it_quietly(ledger: Ledger) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = costs_into(writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


def test_on_a_narrow_terminal_no_line_is_wrapped(
    on_terminal: Callable[..., OnTerminal], ledger: Ledger
) -> None:
    for options in ((), ("--by", "session,role"), ("--session", ledger.rivers)):
        terminal = on_terminal("costs", *options, columns=80, env={"NO_COLOR": "1"})
        assert terminal.wait() == 0
        assert b"\x1b" not in terminal.raw
        assert max(map(len, terminal.seen.splitlines())) <= 80
        assert "tok/s" in terminal.seen or "└ first failed" in terminal.seen


def test_a_file_in_place_of_the_folder_is_told(tensorwall: Run, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    ran = tensorwall("costs", env={"TENSORWALL_HOME": str(tmp_path)})
    assert ran.status == 1
    assert "what should be its folder is a file" in ran.err
    assert "Errno" not in ran.err


def test_a_damaged_database_is_told(tensorwall: Run, tmp_path: Path) -> None:
    file = tmp_path / "notes.db"
    file.write_text("these are my notes, not a database")
    ran = tensorwall("costs", env={"TENSORWALL_DATABASE_URL": f"sqlite:///{file}"})
    assert ran.status == 1
    assert str(file) in ran.err
    assert file.read_text() == "these are my notes, not a database"
