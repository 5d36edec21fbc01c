"""Finding text in the whole conversation, a slice of time at a time."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from typing import NamedTuple

from app.tui.transcript.document import Document, ReadingPosition
from app.tui.transcript.entry import Entry

__all__ = ("Match", "Search")

_MARKUP = str.maketrans("", "", "*_`~\\")


class Match(NamedTuple):
    """One occurrence: where it is, in the order of the page."""

    entry: int
    section: int
    start: int
    end: int

    @property
    def position(self) -> ReadingPosition:
        """Where it begins."""
        return ReadingPosition(self.entry, self.section, self.start)


class Search:
    """The occurrences of ``query``, ignoring case, from the newest entry to the oldest.

    Attributes:
        matches: what has been found so far, in the order of the page.
        current: the one the user is at.
    """

    def __init__(self, document: Document, query: str) -> None:
        self.query = query
        self.matches: list[Match] = []
        self.current: Match | None = None
        self._document = document
        self._pattern = re.compile(re.escape(query), re.IGNORECASE)
        self._next = len(document.entries) - 1
        self._known = len(document.entries)
        self._by_section: dict[tuple[int, int], list[Match]] = {}

    def scan(self, clock: Callable[[], float], seconds: float) -> bool:
        """Go on for about ``seconds``; returns whether there is more to look at."""
        until = clock() + seconds
        while self._next >= 0:
            self._look_at(self._next)
            self._next -= 1
            if clock() >= until:
                break
        return self._next >= 0

    def refresh(self) -> None:
        """Look again at what may have changed since: the last answer and what came after."""
        entries = self._document.entries
        first = max(0, min(self._known, len(entries)) - 1)
        if self._next >= first:
            return
        for match in self.matches[bisect_left(self.matches, (first,)) :]:
            self._by_section.pop(match[:2], None)
        del self.matches[bisect_left(self.matches, (first,)) :]
        for place in range(first, len(entries)):
            self._look_at(place)
        self._known = len(entries)

    def _look_at(self, place: int) -> None:
        if not self._may_match(self._document.entries[place]):
            return
        for index, section in enumerate(self._document.peek(place).sections):
            if section.layout.searchable:
                for start, end in section.layout.find(self._pattern):
                    match = Match(place, index, start, end)
                    insort(self.matches, match)
                    self._by_section.setdefault((place, index), []).append(match)

    def _may_match(self, entry: Entry) -> bool:
        texts = (entry.text, entry.reasoning, entry.footer)
        return any(
            self._pattern.search(text) or self._pattern.search(text.translate(_MARKUP)) for text in texts
        )

    def within(self, entry: int, section: int) -> list[Match]:
        """The occurrences in a section, for highlighting."""
        return self._by_section.get((entry, section), [])

    def go(self, step: int) -> Match | None:
        """Move to the next (+1) or previous (-1) occurrence, round at the ends."""
        if not self.matches:
            self.current = None
        elif self.current is None:
            self.current = self.matches[-1]
        elif step > 0:
            place = bisect_right(self.matches, self.current)
            self.current = self.matches[place % len(self.matches)]
        else:
            self.current = self.matches[bisect_left(self.matches, self.current) - 1]
        return self.current

    @property
    def number(self) -> int:
        """Which occurrence the current one is, from 1; 0 where there is none."""
        return bisect_left(self.matches, self.current) + 1 if self.current else 0
