"""How far a batch is, on stderr: a bar on a terminal, a line every tenth of the way elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from datetime import datetime, timedelta
from typing import Self

from app.cells import column
from app.cli.output import note
from app.cli.progress_line import ProgressLine
from app.cli.terminal import is_terminal
from app.figures import duration, money, speed
from core.batch.progress import BatchProgress

__all__ = ("ProgressBar",)

_BAR = 20
_FRAME = 0.1
"""Seconds; more often nobody reads it."""
_WORTH_SAYING = 2.0
"""Seconds that the limits keep all requests back, from which on that is told."""


class ProgressBar:
    """A context manager that takes its line away again.

    Args:
        progress: what it shows; read whenever `changed` is called.
    """

    def __init__(self, progress: BatchProgress) -> None:
        self._progress = progress
        self._line = ProgressLine()
        self._on_terminal = is_terminal(sys.stderr)
        self._begun = time.monotonic()
        self._shown = 0.0
        self._tenth = self._tenths()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.hide()

    def hide(self) -> None:
        """Make room for other output."""
        self._line.hide()

    @property
    def elapsed(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._begun

    def changed(self) -> None:
        """Show the latest figures, if it is time to."""
        if self._on_terminal:
            now = time.monotonic()
            if now - self._shown >= _FRAME or not self._progress.left:
                self._shown = now
                width = shutil.get_terminal_size().columns
                self._line.show(column(self._text(bar=True), width - 1).rstrip())
        elif self._tenths() > self._tenth:
            self._tenth = self._tenths()
            note(self._text(bar=False))

    def _tenths(self) -> int:
        return 10 * self._progress.done // self._progress.total

    def _text(self, *, bar: bool) -> str:
        progress, elapsed = self._progress, self.elapsed
        parts = [f"{progress.done:,} of {progress.total:,}"]
        if progress.failed:
            parts.append(f"{progress.failed:,} failed")
        if progress.opens_in >= _WORTH_SAYING:
            opens_at = datetime.now().astimezone() + timedelta(seconds=progress.opens_in)
            parts.append(f"at the limit until {opens_at:%H:%M:%S}")
        if progress.left and (seconds := progress.seconds_left(elapsed)) is not None:
            parts.append(f"{duration(seconds)} left")
        parts.append(money(progress.spent, estimated=progress.unpriced > 0))
        if progress.tokens and elapsed > 0:
            parts.append(speed(progress.tokens / elapsed))
        text = " · ".join(parts)
        if not bar:
            return text
        filled = _BAR * progress.done // progress.total
        return f"{'█' * filled}{'░' * (_BAR - filled)} {text}"
