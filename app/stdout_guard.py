"""Keep stdout for what TensorWall writes itself.

A program inherits descriptor 1 from whoever starts it, so that what one writes that a tool starts, or a
library from C, would stand in the midst of the answer, or on the screen. While the guard is held descriptor 1
leads to where descriptor 2 does, as what tools print, and we write on a private copy, which no child has.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

__all__ = ("guard_stdout",)

_STDOUT, _STDERR = 1, 2


@contextmanager
def guard_stdout() -> Iterator[None]:
    """Turn descriptor 1 to stderr, or to nothing where there is none; ``sys.stdout`` stays what it is.

    Nothing is done where that is closed, or captured. To be entered before anybody keeps the stream, and not
    where lines are read with readline, which writes on descriptor 1 itself.
    """
    before, original = sys.stdout, sys.__stdout__
    if before is None or not _is_descriptor(before):
        yield
        return
    before.flush()
    elsewhere = _stderr_or_nothing()
    copy = os.dup(_STDOUT)
    os.dup2(elsewhere, _STDOUT)
    os.close(elsewhere)
    with open(copy, "w", encoding=before.encoding, errors=before.errors, buffering=1) as ours:  # noqa: PTH123
        sys.stdout = sys.__stdout__ = ours  # type: ignore[misc]  # what Textual asks of the terminal
        try:
            yield
        finally:
            os.dup2(copy, _STDOUT)
            sys.stdout, sys.__stdout__ = before, original  # type: ignore[misc]


def _is_descriptor(stream: TextIO) -> bool:
    try:
        return stream.fileno() == _STDOUT
    except (OSError, ValueError):  # it has none, or is closed
        return False


def _stderr_or_nothing() -> int:
    try:
        return os.dup(_STDERR)
    except OSError:  # it is closed
        return os.open(os.devnull, os.O_WRONLY)
