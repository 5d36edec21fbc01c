"""What a tool prints goes to stderr: stdout carries the answer alone.

``contextlib.redirect_stdout`` would turn the answer itself aside, which may be written at the same time by
the same process. So ``sys.stdout`` is, while tools run, a stream that asks who writes: a tool is known by its
context, as task or thread. What a program writes that a tool starts is beyond this: the edge turns
descriptor 1 aside (``app/stdout_guard.py``).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TextIO, cast

__all__ = ("prints_to_stderr",)

_in_a_tool = ContextVar("in_a_tool", default=False)
_lock = threading.Lock()
_tools_running = 0


class _Stdout:
    """The stream to write to, as whoever asks may."""

    def __init__(self, real: TextIO) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever a stream has
        return getattr(sys.stderr if _in_a_tool.get() else self.real, name)


@contextmanager
def prints_to_stderr() -> Iterator[None]:
    """Have what is printed in this context, task or thread, go to stderr."""
    marked = _in_a_tool.set(True)
    _tool_begins()
    try:
        yield
    finally:
        _tool_ends()
        _in_a_tool.reset(marked)


def _tool_begins() -> None:
    global _tools_running
    with _lock:
        _tools_running += 1
        if not isinstance(sys.stdout, _Stdout) and sys.stdout is not None:
            sys.stdout = cast("TextIO", _Stdout(sys.stdout))


def _tool_ends() -> None:
    global _tools_running
    with _lock:
        _tools_running -= 1
        if not _tools_running and isinstance(sys.stdout, _Stdout):
            sys.stdout = sys.stdout.real
