"""Pasted text: what is refused, what is folded into a short token, and how tokens unfold again."""

from __future__ import annotations

import re

from app.figures import data_size
from core.errors import InputError

__all__ = ("LARGEST_PASTE", "PastedText", "check_paste")

LARGEST_PASTE = 2_000_000
"""Bytes of UTF-8; four times the largest context window of today's models."""

_FOLD_LINES = 20
_FOLD_CHARACTERS = 2_000
_MOST_CONTROLS = 0.02
_TEXT_CONTROLS = frozenset("\t\n\r\f\v\x1b")
_TOKEN = re.compile(r"\[pasted (?:\d+ lines|[\d,]+ characters)(?: #\d+)?\]")


def check_paste(text: str) -> None:
    """Refuse what cannot be a message.

    Raises:
        InputError: the paste is binary data or too large; names its size.
    """
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > LARGEST_PASTE:
        raise InputError(
            f"The paste is {data_size(size)}; at most {data_size(LARGEST_PASTE)} can be pasted.",
            hint="Attach the part that matters with @file instead.",
        )
    controls = sum(1 for char in text if char < " " and char not in _TEXT_CONTROLS)
    undecodable = text.count("\N{REPLACEMENT CHARACTER}") + sum(1 for c in text if "\ud800" <= c <= "\udfff")
    if "\0" in text or controls + undecodable > max(2, len(text) * _MOST_CONTROLS):
        raise InputError(
            f"The paste ({data_size(size)}) is binary data, not text.",
            hint="Attach an image with @file instead.",
        )


class PastedText:
    """Large pastes of one draft, each shown as a token such as ``[pasted 312 lines]``."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def fold(self, text: str) -> str:
        """The token to show for ``text``, or ``text`` itself where it is short."""
        lines = text.count("\n") + 1
        if lines <= _FOLD_LINES and len(text) <= _FOLD_CHARACTERS:
            return text
        name = f"pasted {lines} lines" if lines > 1 else f"pasted {len(text):,} characters"
        token, number = f"[{name}]", 1
        while self._texts.get(token, text) != text:
            number += 1
            token = f"[{name} #{number}]"
        self._texts[token] = text
        return token

    def unfold(self, text: str) -> str:
        """``text`` with every known token replaced by what was pasted."""
        return _TOKEN.sub(lambda match: self._texts.get(match[0], match[0]), text)

    def tokens(self, line: str) -> list[tuple[int, int]]:
        """Where known tokens stand in one line: start and end columns."""
        return [match.span() for match in _TOKEN.finditer(line) if match[0] in self._texts]

    def clear(self) -> None:
        """Forget every paste."""
        self._texts.clear()
