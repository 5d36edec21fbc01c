"""Going on with an answer that was interrupted."""

from __future__ import annotations

import re
import unicodedata

from core.voice.spoken_text.chunker import ClauseChunker
from core.voice.spoken_text.languages import LANGUAGES, language_of

__all__ = ("is_continue", "rest")

_WORD = re.compile(r"[\w'-]+")
_SENTENCE_END = re.compile(r"(?:[.!?…][\"'”’»)*_]*\s+|[。！？]|\n\s*)(?=\S)")  # noqa: RUF001


def is_continue(text: str, language: str | None) -> bool:
    """Whether what was said asks for no more than reading on.

    Args:
        text: what was understood, with whatever punctuation and capitals.
        language: that it was said in, such as ``de``; where it is not known any language counts.
    """
    plain = unicodedata.normalize("NFC", text).lower().replace("’", "'")  # noqa: RUF001
    said = " ".join(_WORD.findall(plain))
    short = (language or "").lower()[:2]
    known = (short, "en") if short in LANGUAGES else LANGUAGES
    return any(said in language_of(code).continuing for code in known)


def rest(text: str, heard: int) -> int:
    """Where in an answer to go on reading, of which so many characters were heard.

    That is the beginning of the sentence that was cut off, or the next one; of a block that is shown
    and not read it is the beginning of the block. At the end it is the length of the text.
    """
    chunker = ClauseChunker()
    for clause in [*chunker.feed(text), *chunker.finish()]:
        if clause.end > heard:
            if heard <= clause.start or not any(piece.verbatim for piece in clause.pieces):
                return clause.start
            ends = _SENTENCE_END.finditer(text, clause.start, clause.end)
            return max((end.end() for end in ends if end.start() < heard), default=clause.start)
    return len(text)
