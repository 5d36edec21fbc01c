"""The review screen in the program itself, in a pseudo-terminal: from the key to the sessions on screen."""

from __future__ import annotations

import time
from pathlib import Path

from app.tui.review.spend_words import number_of
from tests.bench.tui.terminal import Terminal

__all__ = ("open_screen",)

_TIMES = 5


def open_screen(program: str, home: Path, sessions: int) -> list[float]:
    """Seconds of each opening; the first also imports what the screen needs, as an installed program does.

    Args:
        program: the command.
        home: has the database.
        sessions: of this month, which the screen tells when it has them.
    """
    environment = {
        "TENSORWALL_HOME": str(home),
        "GROQ_API_KEY": "gsk_bench",
        "GROQ_API_URL": "http://127.0.0.1:9",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(home / "bytecode"),
    }
    _open(program, environment, sessions, times=1)  # so that there is bytecode, which an installation has
    return _open(program, environment, sessions, times=_TIMES)


def _open(program: str, environment: dict[str, str], sessions: int, *, times: int) -> list[float]:
    terminal = Terminal([program], 120, 40, environment)
    try:
        terminal.read_until(b"Ask anything", 60)
        terminal.read_quiet(1.0, 20)
        took = []
        for _ in range(times):
            terminal.write(b"/costs")
            terminal.read_quiet(0.5, 10)
            begun = time.monotonic()
            terminal.write(b"\r")
            took.append(terminal.read_until(number_of(sessions, "session").encode(), 30) - begun)
            terminal.read_quiet(0.3, 10)
            terminal.write(b"\x1b")
            terminal.read_quiet(0.5, 10)
        return took
    finally:
        terminal.close()
