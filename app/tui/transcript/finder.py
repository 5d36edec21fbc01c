"""The search that is on: it looks through the conversation in the background, and marks what it found."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from textual.strip import Strip

from app.tui.transcript.document import Document, DocumentRow
from app.tui.transcript.painted import restyle
from app.tui.transcript.search import Search

__all__ = ("Finder",)

_SCAN_SECONDS = 0.008
"""How long keys and frames wait for it at most, about."""


class Finder:
    """Goes from occurrence to occurrence of one text at a time.

    Args:
        document: what is looked through.
        show_rows: has rows of the page in view, from the first to before the last.
        repaint: paints the page with the marks as they are now.
        tell: takes the text, which occurrence is the current one, from 1, and how many there are so far.
    """

    def __init__(
        self,
        document: Document,
        *,
        show_rows: Callable[[int, int], object],
        repaint: Callable[[], object],
        tell: Callable[[str, int, int], object],
    ) -> None:
        self._document = document
        self._show_rows = show_rows
        self._repaint = repaint
        self._tell = tell
        self._search: Search | None = None

    @property
    def is_on(self) -> bool:
        """Whether anything is sought."""
        return self._search is not None

    def seek(self, query: str) -> None:
        """Look for this from now on, once ``scan`` runs; empty ends the search."""
        self._search = Search(self._document, query) if query else None
        if self._search is None:
            self._tell("", 0, 0)
        self._repaint()

    async def scan(self) -> None:
        """Look at older and older messages, a slice of time each; goes to the last occurrence."""
        search = self._search
        more = search is not None
        while search is not None and more:
            more = search.scan(time.monotonic, _SCAN_SECONDS)
            if search.current is None and search.matches:
                self._go(search, -1)
            self._told(search)
            await asyncio.sleep(0)
        self._repaint()

    def go(self, step: int) -> None:
        """Go to the next occurrence below (+1) or above (-1), round at the ends."""
        if self._search is not None:
            self._go(self._search, step)

    def _go(self, search: Search, step: int) -> None:
        search.refresh()
        if match := search.go(step):
            row = self._document.row_of(match.position)
            self._show_rows(row, row + 1)
        self._told(search)
        self._repaint()

    def _told(self, search: Search) -> None:
        self._tell(search.query, search.number, len(search.matches))

    def mark(self, row: DocumentRow, strip: Strip) -> Strip:
        """Lay the marks of the occurrences over a row."""
        if self._search is None or row.inner < 0:
            return strip
        painted, theme = row.painted, self._document.frame.theme
        for match in self._search.within(row.entry, row.section):
            start = max(0, match.start - painted.start)
            end = min(match.end - painted.start, painted.length)
            if end > 0 and start < painted.length:
                style = theme.current_match if match == self._search.current else theme.match
                strip = restyle(strip, painted.lead + start, painted.lead + end, style)
        return strip
