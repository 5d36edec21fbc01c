from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.storage import Database, open_database

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _copied_tables() -> None:
    """Here each database is made by the migrations."""


@pytest.fixture
def database_path(tmp_path: Path) -> Path:
    """For what is about SQLite's own file."""
    return tmp_path / "data" / "tensorwall.db"


@pytest.fixture
async def database(location: str | Path) -> AsyncIterator[Database]:
    async with await open_database(location) as opened:
        yield opened


@pytest.fixture
def python():
    """Run code in a process of its own; gives what it printed."""

    def run(code: str, *arguments: object) -> str:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def start_python():
    """Start processes that may be talked to; they are killed with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(code: str, *arguments: object) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", code, *map(str, arguments)]
        started.append(subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()
