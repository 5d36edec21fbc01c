"""`tensorwall costs --watch`: shown again whenever the ledger has changed."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.cli.costs_views import View
from app.cli.output import emit
from app.cli.tables import terminal_width
from app.cli.terminal import is_terminal
from app.cli.watching import changes, show_again
from core.review import render

if TYPE_CHECKING:
    from core.review.review import Review

__all__ = ("watch_lines", "watch_reports")


async def watch_reports(review: Review, view: View) -> None:
    """Write a line of JSON now and at every change, until cancelled."""
    shown = None
    async for _ in changes(review):
        report = await view.report(review)
        if shown != (shown := replace(report, generated_at=datetime.min.replace(tzinfo=UTC))):
            emit(" ".join(line.strip() for line in render(report, "json").split("\n")).strip())


async def watch_lines(review: Review, view: View) -> None:
    """Draw the view now and at every change, in place on a terminal, until cancelled."""

    async def views() -> AsyncIterator[list[str]]:
        async for _ in changes(review):
            lines = await view.lines(review, terminal_width())
            yield lines or (["Nothing was spent yet."] if is_terminal(sys.stdout) else [])

    await show_again(views())
