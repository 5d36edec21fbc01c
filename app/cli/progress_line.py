"""A line on stderr that says how far something is; only where stderr is a terminal."""

from __future__ import annotations

import contextlib
import sys
from typing import Self

from app.cli.output import ReaderGone, writer
from app.cli.terminal import is_terminal

__all__ = ("ProgressLine",)

_CLEAR = "\r\x1b[K"


class ProgressLine:
    """A context manager that leaves the terminal without the line."""

    def __init__(self) -> None:
        self._shows = is_terminal(sys.stderr)
        self._is_shown = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hide()

    def show(self, text: str) -> None:
        """Replace the line."""
        if self._shows:
            self._is_shown = True
            self._write(f"{_CLEAR}{text}")

    def hide(self) -> None:
        """Make room for other output."""
        if self._is_shown:
            self._is_shown = False
            self._write(_CLEAR)

    def _write(self, text: str) -> None:
        with contextlib.suppress(ReaderGone, OSError):  # nobody looks
            writer(sys.stderr)(text)
