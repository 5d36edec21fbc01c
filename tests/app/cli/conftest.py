"""`tensorwall` as its users run it: a process with pipes, or one on a terminal."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.app.cli.booked import Ledger
from tests.app.cli.warm import WarmStarts
from tests.simulated import Simulated

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "app.cli"]
PATIENCE = 30.0

_SIZE = {"COLUMNS": None, "LINES": None}  # they would hide the terminal's own
_STYLING = re.compile(r"\x1b\[[0-9;?<>]*[a-zA-Z]")


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


def environment(simulator: Simulated | None, **more: str | None) -> dict[str, str]:
    """This process's environment, isolated already, with the simulator in place of Groq."""
    variables: dict[str, str | None] = {**os.environ, "NO_PROXY": "*"}
    if simulator:
        variables |= {"GROQ_API_URL": simulator.base_url, "GROQ_API_KEY": simulator.api_key}
    variables |= more
    return {name: value for name, value in variables.items() if value is not None}


def _cold_start(
    arguments: tuple[str, ...], data: bytes, variables: dict[str, str]
) -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=data,
        capture_output=True,
        cwd=ROOT,
        env=variables,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="session")
def warm_starts() -> Iterator[WarmStarts]:
    """What runs of the command are forked from."""
    warm = WarmStarts()
    yield warm
    warm.close()


@pytest.fixture
def tensorwall(simulator: Simulated, warm_starts: WarmStarts) -> Run:
    """Run the command to its end; ``env`` changes variables, ``None`` removes one."""

    def run(*arguments: str, stdin: str | bytes = b"", env: Mapping[str, str | None] | None = None) -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        variables = environment(simulator, **(env or {}))
        if any(name.startswith("PYTHON") for name in env or {}):  # what Python reads as it starts
            status, out, errors = _cold_start(arguments, data, variables)
        else:
            status, out, errors = warm_starts.run(arguments, data, variables, seconds=60)
        err = errors.decode()
        assert "Traceback" not in err, err
        return Ran(status, out.decode(), err)

    return run


@pytest.fixture
def start(simulator: Simulated) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the command and leave it running; what still runs at the end is killed."""
    started: list[subprocess.Popen[bytes]] = []

    def popen(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        } | options
        process = subprocess.Popen(
            [*COMMAND, *arguments], cwd=ROOT, env=environment(simulator), bufsize=0, **options
        )
        started.append(process)
        return process

    yield popen
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
async def ledger() -> Ledger:
    """The ledger that the command will open, filled."""
    ledger = Ledger()
    await ledger.fill()
    return ledger


class OnTerminal:
    """The command on a terminal of its own; ``seen`` is all it has written, styling removed."""

    def __init__(self, arguments: tuple[str, ...], env: dict[str, str], *, columns: int, rows: int) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.raw = b""
        self._read_up_to = 0

    @property
    def seen(self) -> str:
        return _STYLING.sub("", self.raw.decode(errors="replace")).replace("\r\n", "\n")

    def expect(self, pattern: str) -> str:
        """Wait until the pattern appears after what was expected last; what came up to it."""
        ends = time.monotonic() + PATIENCE
        while True:
            fresh = self.seen[self._read_up_to :]
            if found := re.search(pattern, fresh):
                self._read_up_to += found.end()
                return fresh[: found.end()]
            left = ends - time.monotonic()
            assert left > 0, f"{pattern!r} did not appear; on the terminal:\n{self.seen}"
            assert self._read(left), f"no more came, and no {pattern!r}; on the terminal:\n{self.seen}"

    def expect_bytes(self, sequence: bytes) -> None:
        """Wait until the sequence has been written, styling and all."""
        ends = time.monotonic() + PATIENCE
        while sequence not in self.raw:
            assert self._read(max(0.0, ends - time.monotonic())), f"{sequence!r} was not written"

    def send(self, text: str | bytes) -> None:
        os.write(self._master, text.encode() if isinstance(text, str) else text)

    def wait_until_it_sleeps(self) -> None:
        """Wait until the process waits for a key.

        Python's readline loop notices a signal only while it waits; one that comes while a key is
        still being drawn is acted on at the next key.
        """
        stat = Path(f"/proc/{self.process.pid}/stat")
        while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "S":
            os.sched_yield()

    def wait(self) -> int:
        """Read to the end; the exit status."""
        ends = time.monotonic() + PATIENCE
        while self._read(max(0.0, ends - time.monotonic())):
            pass
        return self.process.wait(timeout=PATIENCE)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self._master)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            piece = os.read(self._master, 65536)
        except OSError:  # EIO: the other side is closed
            return False
        self.raw += piece
        return bool(piece)


@pytest.fixture
def on_terminal(simulator: Simulated) -> Iterator[Callable[..., OnTerminal]]:
    """Start the command on a terminal of 80 by 24."""
    opened: list[OnTerminal] = []

    def open_(
        *arguments: str, columns: int = 80, rows: int = 24, env: Mapping[str, str | None] | None = None
    ) -> OnTerminal:
        variables = environment(simulator, **{"TERM": "xterm-256color", **_SIZE, **(env or {})})
        opened.append(OnTerminal(arguments, variables, columns=columns, rows=rows))
        return opened[-1]

    yield open_
    for terminal in opened:
        terminal.close()
