"""A download on stderr: a line that changes on a terminal, a line every tenth of the way elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

from app.cli.output import note
from app.cli.progress_line import ProgressLine
from app.cli.terminal import is_terminal
from app.figures import data_size, duration

if TYPE_CHECKING:
    from core.download import DownloadProgress

__all__ = ("DownloadLine",)

_TENTHS = 10


class DownloadLine:
    """Shows how far a download is; a context manager, which takes the line away again.

    Args:
        name: what is downloaded.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._line = ProgressLine()
        self._tenth = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.hide()

    def show(self, progress: DownloadProgress) -> None:
        """Take the latest figures."""
        tenth = progress.done * _TENTHS // progress.total
        if is_terminal(sys.stderr):
            self._line.show(self._text(progress))
        elif tenth > self._tenth:
            self._tenth = tenth
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
