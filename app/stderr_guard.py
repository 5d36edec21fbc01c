"""Keep native libraries from writing over what the user looks at.

Audio and machine-learning libraries print on file descriptor 2 from C, where Textual draws and
commands say what they do. While the guard is held, those have a private copy of the descriptor, and
descriptor 2 goes to a log file, which is shown if the program crashes.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

__all__ = ("guard_stderr", "tail")

_SHOWN = 4_000


@contextmanager
def guard_stderr(log: Path) -> Iterator[TextIO]:
    """Send descriptor 2 to ``log``, leaving ``sys.__stderr__`` on the terminal.

    Textual draws through ``sys.__stderr__``. A command prints through ``sys.stderr``, which goes to
    the log too: it wants ``with guard_stderr(log) as terminal, redirect_stderr(terminal)``. Where the
    log cannot be written, noise is dropped.

    Yields:
        The terminal, as ``sys.__stderr__`` has it.
    """
    terminal_copy = os.dup(2)
    log_descriptor = _open_log(log)
    original = sys.__stderr__
    python_stderr = sys.stderr
    screen = io.TextIOWrapper(
        os.fdopen(terminal_copy, "wb", closefd=False), encoding="utf-8", errors="replace", write_through=True
    )
    if original is not None:
        original.flush()
    os.dup2(log_descriptor, 2)
    os.close(log_descriptor)
    sys.__stderr__ = screen  # type: ignore[misc]  # Textual's drivers draw here
    try:
        yield screen
    finally:
        screen.flush()
        os.dup2(terminal_copy, 2)
        sys.__stderr__ = original  # type: ignore[misc]
        sys.stderr = python_stderr
        screen.detach()
        os.close(terminal_copy)


def tail(log: Path) -> str:
    """The end of the log, or an empty string."""
    try:
        return log.read_bytes()[-_SHOWN:].decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _open_log(log: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return os.open(log, flags, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
