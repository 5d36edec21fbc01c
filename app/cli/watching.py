"""What is shown again whenever it has changed: in place on a terminal, one below the other elsewhere."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from app.cli.output import emit_line, writer
from app.cli.terminal import is_terminal

if TYPE_CHECKING:
    from core.review.review import Review

__all__ = ("changes", "looks", "show_again")

_PERIOD = 1.0
"""Seconds between two looks."""
_BEGIN, _END = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""The alternate screen, without a cursor; and back."""
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


async def changes(review: Review) -> AsyncIterator[None]:
    """At once, and after every look that found something written to the ledger; until cancelled."""
    known = ""
    async for _ in looks():
        if known != (known := await review.version()):
            yield


async def looks() -> AsyncIterator[None]:
    """Now, and once a second; until cancelled."""
    while True:
        yield
        await asyncio.sleep(_PERIOD)


async def show_again(views: AsyncIterator[list[str]]) -> None:
    """Show each view in place of the one before, until cancelled; that which is seen last stays."""
    if not is_terminal(sys.stdout):
        await _append(views)
        return
    write = writer(sys.stdout)
    write(_BEGIN)
    lines: list[str] = []
    try:
        async for lines in views:
            write(_screen(lines))
    finally:
        write(_END)
        for line in lines:
            emit_line(line)


async def _append(views: AsyncIterator[list[str]]) -> None:
    shown: list[str] | None = None
    async for lines in views:
        if lines != shown:
            for line in [*([""] if shown else []), *lines]:
                emit_line(line)
            shown = lines


def _screen(lines: list[str]) -> str:
    """As many as fit; what was there is drawn over, so that nothing flickers."""
    rows = shutil.get_terminal_size().lines
    fitting = lines if len(lines) < rows else [*lines[: rows - 2], "…"]
    return _HOME + "".join(f"{line}{_REST_OF_LINE}\r\n" for line in fitting) + _REST_OF_SCREEN
