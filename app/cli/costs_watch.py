"""`tensorwall costs --watch`: shown again whenever the ledger has changed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.cli.costs_views import View
from app.cli.output import emit, emit_line, writer
from app.cli.tables import terminal_width
from app.cli.terminal import is_terminal
from core.review import render

if TYPE_CHECKING:
    from core.review.review import Review

__all__ = ("watch_lines", "watch_reports")

_PERIOD = 1.0
"""Seconds between two looks."""
_BEGIN, _END = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""The alternate screen, without a cursor; and back."""
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


async def watch_reports(review: Review, view: View) -> None:
    """Write a line of JSON now and at every change, until cancelled."""
    shown = None
    async for _ in _changes(review):
        report = await view.report(review)
        if shown != (shown := replace(report, generated_at=datetime.min.replace(tzinfo=UTC))):
            emit(" ".join(line.strip() for line in render(report, "json").split("\n")).strip())


async def watch_lines(review: Review, view: View) -> None:
    """Draw the view now and at every change, in place on a terminal, until cancelled."""
    if not is_terminal(sys.stdout):
        await _append(review, view)
        return
    write = writer(sys.stdout)
    write(_BEGIN)
    lines: list[str] = []
    try:
        async for _ in _changes(review):
            lines = await view.lines(review, terminal_width())
            write(_screen(lines or ["Nothing was spent yet."]))
    finally:
        write(_END)
        for line in lines:  # what was seen last stays
            emit_line(line)


async def _append(review: Review, view: View) -> None:
    shown: list[str] | None = None
    async for _ in _changes(review):
        lines = await view.lines(review, None)
        if lines != shown:
            for line in [*([""] if shown else []), *lines]:
                emit_line(line)
            shown = lines


def _screen(lines: list[str]) -> str:
    """As many as fit; what was there is drawn over, so that nothing flickers."""
    import shutil

    rows = shutil.get_terminal_size().lines
    fitting = lines if len(lines) < rows else [*lines[: rows - 2], "…"]
    return _HOME + "".join(f"{line}{_REST_OF_LINE}\r\n" for line in fitting) + _REST_OF_SCREEN


async def _changes(review: Review) -> AsyncIterator[None]:
    """At once, and after every look that found something written."""
    known = ""
    while True:
        if known != (known := await review.version()):
            yield
        await asyncio.sleep(_PERIOD)
