"""Where a sentence ends, and where one may pause within it."""

from __future__ import annotations

import re
from enum import IntEnum

from core.voice.spoken_text.languages import Language

__all__ = ("Boundary", "boundary", "ends_with_mark")


class Boundary(IntEnum):
    """How well a clause ends between two words."""

    NONE = 0
    PAUSE = 1
    SENTENCE = 2


_CLOSING = r"[\"'”’»)\]」』）]*$"  # noqa: RUF001
_STOP = re.compile(r"([.!?…。！？؟۔।॥]+)" + _CLOSING)  # noqa: RUF001
_PAUSE = re.compile(r"(?:[,;:，、；：،؛]|[–—])" + _CLOSING)  # noqa: RUF001
_ITEM_NUMBER = re.compile(r"(?:^|[\s.])\d{1,3}:$")
_OPENING = "\"'“‘«¿¡([「『（"  # noqa: RUF001
_LAST_WORD = re.compile(r"[\w.'’-]*$")  # noqa: RUF001
_LETTERS_WITH_STOPS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]")
_LONGEST_ORDINAL = 2


def boundary(before: str, after: str, language: Language) -> Boundary:
    """What stands between the text so far and its next word.

    A full stop ends a sentence only where the next word shows that it does, and not after an
    abbreviation, an initial or, in languages that write them so, an ordinal.
    """
    if _ITEM_NUMBER.search(before):
        return Boundary.NONE
    if _PAUSE.search(before):
        return Boundary.PAUSE
    if (stop := _STOP.search(before)) is None:
        return Boundary.PAUSE if after[:1] in ("–", "—") else Boundary.NONE  # noqa: RUF001
    goes_on = after.lstrip(_OPENING)[:1].islower()
    if stop[1] != ".":
        return Boundary.PAUSE if goes_on else Boundary.SENTENCE
    if goes_on or _is_shortened(before[: stop.start()], after, language):
        return Boundary.NONE
    return Boundary.SENTENCE


def ends_with_mark(text: str) -> bool:
    """Whether a voice pauses at the end of the text by itself."""
    text = text.rstrip()
    return (_STOP.search(text) or _PAUSE.search(text)) is not None


def _is_shortened(before: str, after: str, language: Language) -> bool:
    """Whether the word before a full stop is an abbreviation, an initial or an ordinal."""
    match = _LAST_WORD.search(before)
    word = match[0] if match else ""
    if word.isdigit():
        return before == word or (language.ordinals and len(word) <= _LONGEST_ORDINAL)
    if word.lower() in language.before_numbers:
        return after[:1].isdigit()
    return word.lower() in language.abbreviations or (
        _LETTERS_WITH_STOPS.fullmatch(word) is not None and word != "I"
    )
