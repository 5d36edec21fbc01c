"""A running gateway for tests, as a user starts it, before a server of the test's choice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.databases import sqlite_template

__all__ = ("RunningGateway", "gateway_process")


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """Where it is and who may call it.

    Attributes:
        root: such as ``http://127.0.0.1:40001``.
        key: good for everything.
        pid: of the process that was started.
        process: the same, to be waited for.
        log: what it has written on stderr.
    """

    root: str
    key: str
    pid: int
    process: subprocess.Popen[str]
    log: Path


@contextmanager
def gateway_process(
    home: Path, groq_url: str, *options: str, settings: str = "", database: str = "", key: str = ""
) -> Iterator[RunningGateway]:
    """Run ``tensorwall serve`` on a free port.

    Args:
        home: where it keeps its files; empty as yet.
        groq_url: stands in for Groq's API.
        options: of the command line.
        settings: its ``config.toml``.
        database: the URL of one that it shares with others; by default it has its own.
        key: one that is in that database already; otherwise it is the first, and makes one.
    """
    config = home / "config" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(settings, encoding="utf-8")
    if not database:
        own = home / "data" / "tensorwall.db"
        own.parent.mkdir(mode=0o700, exist_ok=True)
        own.write_bytes(sqlite_template())
    environment = {
        **os.environ,
        "TENSORWALL_HOME": str(home),
        "GROQ_API_URL": groq_url,
        "GROQ_API_KEY": "gsk_own",
        "TENSORWALL_DATABASE_URL": database,
    }
    log = home / "stderr.txt"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve", "--port", "0", *options],
            cwd=Path(__file__).parents[1],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        key = key or process.stdout.readline().strip()
        try:
            assert key.startswith("gw_"), log.read_text()
            yield RunningGateway(url.removesuffix("/v1"), key, process.pid, process, log)
        finally:
            process.terminate()
            process.wait(timeout=20)
    written = log.read_text()
    assert "Traceback" not in written, written[-5_000:]
