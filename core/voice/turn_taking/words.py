"""Words as they are compared: without case and punctuation."""

from __future__ import annotations

import re
import unicodedata

__all__ = ("words_of",)

_APOSTROPHES = str.maketrans({"\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{MODIFIER LETTER APOSTROPHE}": "'"})
_WORD = re.compile(r"[^\W_]+(?:['.,:-][^\W_]+)*")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; "o'clock", "3.14" and "mm-hm" are one word each."""
    return _WORD.findall(unicodedata.normalize("NFKC", text.translate(_APOSTROPHES)).casefold())
