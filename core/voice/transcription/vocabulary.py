"""Names and terms: told to the transcriber before it listens, and mended in what it wrote.

Whisper writes "cash" for "cache" and "lama index" for "LlamaIndex" unless it has seen the word. It takes a
line of words to expect, ahead of the recording; a short one, since every word costs decoding time and a
long list is what it writes when nobody speaks.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from core.voice.transcription.transcriber import Hints

__all__ = ("hints_for", "hotwords", "mend", "terms_of")

MOST_HOTWORDS = 24
LONGEST_LINE = 240
"""Characters of all hotwords together, about 80 tokens of the 224 that Whisper takes."""

_CODE = re.compile(
    r"""
    \b(?:
        [a-z]+(?:_[a-z0-9]+)+           # snake_case
      | [a-z]+[0-9]*(?:[A-Z][a-z0-9]+)+ # camelCase
      | (?:[A-Z][a-z0-9]+){2,}          # PascalCase
      | [A-Z]{2,}[a-z0-9]*[A-Za-z0-9]*  # HTTP, LLMRouter, SQLite
    )\b
    """,
    re.VERBOSE,
)
_NAME = re.compile(r"(?<=[a-z0-9,;:] )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,}){0,2}\b")
_SPOKEN_WORD = re.compile(r"[^\W_]+")
_SMALL_NUMBERS_OF_WORDS = 4
"""How many spoken words one term may have been taken apart into: "lama index" is two."""


def hints_for(vocabulary: Sequence[str], conversation: str = "", language: str | None = None) -> Hints:
    """What to tell a transcriber about a conversation.

    Args:
        vocabulary: the user's own terms; they come first, and are mended in the text.
        conversation: what was said lately, the newest last.
        language: such as ``en``; ``None`` to detect it.
    """
    return Hints(
        language=language,
        hotwords=hotwords((*vocabulary, *terms_of(conversation))),
        vocabulary=tuple(vocabulary),
    )


def terms_of(text: str) -> tuple[str, ...]:
    """Identifiers and names in a text: those that come often first, then the latest."""
    found: list[str] = []
    for pattern in (_CODE, _NAME):
        found += (match.group() for match in pattern.finditer(text[-20_000:]))
    often = Counter(found)
    latest = {term: place for place, term in enumerate(found)}
    ordered = sorted(often, key=lambda term: (-often[term], -latest[term]))
    return tuple(term for term in ordered if 3 <= len(term) <= 40)


def hotwords(terms: Sequence[str]) -> tuple[str, ...]:
    """As many of the terms as Whisper can use, without repetitions."""
    kept: dict[str, str] = {}
    length = 0
    for term in islice(terms, 400):
        plain = " ".join(term.split())
        if not plain or plain.casefold() in kept:
            continue
        length += len(plain) + 2
        if len(kept) == MOST_HOTWORDS or length > LONGEST_LINE:
            break
        kept[plain.casefold()] = plain
    return tuple(kept.values())


def mend(text: str, vocabulary: Sequence[str], identifiers: Sequence[str] = ()) -> str:
    """Write the user's terms as the user does, where the transcript all but has them.

    Args:
        text: a transcript.
        vocabulary: the user's own terms: put in the place of words that sound nearly so.
        identifiers: put only in the place of the same letters: ``LLMRouter`` for "LLM router".
    """
    near = [(term, _key(term)) for term in vocabulary]
    same = [(term, _key(term)) for term in identifiers if not term.islower()]
    pieces: list[str] = []
    done = 0
    words = list(_SPOKEN_WORD.finditer(text))
    place = 0
    while place < len(words):
        match = _best(text, words[place : place + _SMALL_NUMBERS_OF_WORDS], near, same)
        if match is None:
            place += 1
            continue
        term, count = match
        pieces += (text[done : words[place].start()], term)
        done = words[place + count - 1].end()
        place += count
    return "".join((*pieces, text[done:]))


def _best(
    text: str, words: list[re.Match[str]], near: list[tuple[str, str]], same: list[tuple[str, str]]
) -> tuple[str, int] | None:
    """The term that stands at the beginning of these words, and how many of them it takes the place of."""
    candidates: list[tuple[int, int, str]] = []
    for count, heard in _joined(text, words):
        for term, key in near:
            if (distance := _distance(heard, key)) is not None:
                candidates.append((distance, -count, term))
        candidates += ((0, -count, term) for term, key in same if key == heard)
    if not candidates:
        return None
    _, count, term = min(candidates)
    return term, -count


def _joined(text: str, words: list[re.Match[str]]) -> Iterator[tuple[int, str]]:
    """The letters of the first word, the first two, and so on, as far as only spaces lie between."""
    for count in range(1, len(words) + 1):
        between = text[words[count - 2].end() : words[count - 1].start()] if count > 1 else " "
        if between.strip(" -"):
            return
        yield count, _key("".join(word.group() for word in words[:count]))


def _key(term: str) -> str:
    """Letters and digits alone, without accents and case."""
    plain = unicodedata.normalize("NFKD", term).casefold()
    return "".join(character for character in plain if character.isalnum())


def _distance(heard: str, key: str) -> int | None:
    """How many letters differ, if so few that it may be the same word: one in five, and none in short words.

    It has to begin alike, since the beginning of a word is what is heard best.
    """
    allowed = min(3, len(key) // 5)
    if heard == key:
        return 0
    if not allowed or heard[:1] != key[:1] or abs(len(heard) - len(key)) > allowed:
        return None
    row = list(range(len(key) + 1))
    for number, letter in enumerate(heard, 1):
        diagonal, row[0] = row[0], number
        for column, other in enumerate(key, 1):
            changed = diagonal + (letter != other)
            diagonal = row[column]
            row[column] = min(row[column] + 1, row[column - 1] + 1, changed)
    return row[-1] if row[-1] <= allowed else None
