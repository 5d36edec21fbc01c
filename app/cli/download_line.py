"""A download on stderr: a line that changes on a terminal, a line every tenth of the way elsewhere."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from app.cli.output import ReaderGone, note, writer
from app.cli.terminal import is_terminal
from app.figures import data_size, duration

if TYPE_CHECKING:
    from core.voice.transcription.download import DownloadProgress

__all__ = ("DownloadLine",)

_TENTHS = 10
_CLEAR_LINE = "\r\x1b[K"


class DownloadLine:
    """Shows how far a download is; a context manager, which leaves the terminal's line tidy.

    Args:
        name: what is downloaded.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._changes = is_terminal(sys.stderr)
        self._told = -1

    def __enter__(self) -> DownloadLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._changes:
            self._write("\n")

    def show(self, progress: DownloadProgress) -> None:
        """Take the latest figures."""
        if self._changes:
            self._write(f"{_CLEAR_LINE}{self._text(progress)}")
            return
        tenth = progress.done * _TENTHS // progress.total
        if tenth > self._told:
            self._told = tenth
            note(self._text(progress))

    def _text(self, progress: DownloadProgress) -> str:
        done = progress.done / progress.total
        text = f"{self._name}: {data_size(progress.done)} of {data_size(progress.total)} ({done:.0%})"
        if progress.checking:
            return f"{text}, checking it"
        if progress.speed is not None:
            text += f", {data_size(round(progress.speed))}/s"
        if progress.remaining:
            text += f", {duration(progress.remaining)} left"
        return text

    def _write(self, text: str) -> None:
        with contextlib.suppress(ReaderGone, OSError):  # nobody looks
            writer(sys.stderr)(text)
