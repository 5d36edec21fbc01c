"""A program in a pseudo-terminal, its output read as it comes and its keys pressed at set times."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from pathlib import Path

__all__ = ("Terminal",)

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|.)", re.DOTALL
)
_FRAME = b"\x1b[?2026h"
_SYNCHRONISED_QUERY, _SYNCHRONISED_REPLY = b"\x1b[?2026$p", b"\x1b[?2026;2$y"


class Terminal:
    """Runs ``command`` in a pty; nothing is drawn, but everything is read.

    Attributes:
        frames: when each synchronised update that the program painted came, monotonic seconds.
    """

    def __init__(self, command: list[str], columns: int, rows: int, environment: dict[str, str]) -> None:
        self.frames: list[float] = []
        self._tail = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.environ.update(environment, TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.execvp(command[0], command)
        self.resize(columns, rows, tell=False)

    def resize(self, columns: int, rows: int, *, tell: bool = True) -> None:
        """Change the size of the window."""
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            os.kill(self.pid, signal.SIGWINCH)

    def write(self, data: bytes) -> None:
        """Press keys."""
        os.write(self._fd, data)

    def read(self, seconds: float) -> bytes:
        """What is written next, waiting at most so long; empty where nothing is."""
        if not select.select([self._fd], [], [], max(0, seconds))[0]:
            return b""
        try:
            data = os.read(self._fd, 1 << 20)
        except OSError:
            return b""
        if _SYNCHRONISED_QUERY in data:
            self.write(_SYNCHRONISED_REPLY)
        joined = self._tail + data
        new = joined.count(_FRAME) - self._tail.count(_FRAME)
        self.frames.extend([time.monotonic()] * new)
        self._tail = joined[-len(_FRAME) + 1 :]
        return data

    def read_until(self, text: bytes, seconds: float) -> float:
        """Wait for ``text``; when it came, on the monotonic clock.

        Raises:
            TimeoutError: if it did not come within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        seen = b""
        while time.monotonic() < deadline:
            seen = seen[-4096:] + self.read(0.2)
            if text in _ESCAPES.sub(b"", seen):
                return time.monotonic()
        raise TimeoutError(f"{text!r} did not appear within {seconds:g} s; last: {seen[-300:]!r}")

    def read_quiet(self, quiet: float, limit: float) -> float:
        """Read until nothing has come for ``quiet`` seconds; when the last of it came."""
        last, end = time.monotonic(), time.monotonic() + limit
        while time.monotonic() < end and time.monotonic() - last < quiet:
            if self.read(0.01):
                last = time.monotonic()
        return last

    @property
    def cpu(self) -> float:
        """Seconds of processor time used by the program so far, user and system, all threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory(self) -> float:
        """Resident memory in MiB."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE / (1 << 20)

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)
