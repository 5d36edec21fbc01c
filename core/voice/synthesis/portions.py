"""Cutting a text for a service that takes only so many characters at a time."""

from __future__ import annotations

import re

__all__ = ("portions",)

_BREAKS = (re.compile(r"[.!?…]+[\"')\]»”’]*\s+"), re.compile(r"[,;:–—]\s+"), re.compile(r"\s+"))  # noqa: RUF001
"""Where a text is best cut: after a sentence, after a clause, between words."""


def portions(text: str, longest: int) -> list[tuple[int, int]]:
    """First character and end of each portion, in order; together they are the whole text.

    A portion is as long as it may be, ends at the best place there is in its second half, and is
    cut within a word only where a word is longer than a portion may be.
    """
    cuts = []
    start = 0
    while len(text) - start > longest:
        end = _best_end(text, start, start + longest)
        cuts.append((start, end))
        start = end
    return [*cuts, (start, len(text))] if start < len(text) else cuts


def _best_end(text: str, start: int, limit: int) -> int:
    for pattern in _BREAKS:
        ends = [found.end() for found in pattern.finditer(text, start, limit)]
        if ends and (ends[-1] - start) * 2 >= limit - start:
            return ends[-1]
    return limit
