"""How many words of a recording were understood wrongly."""

from __future__ import annotations

import re

__all__ = ("word_errors",)

_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_SPELLINGS = {"mr": "mister"}


def word_errors(expected: str, heard: str) -> int:
    """Words to insert, drop or replace to get from what was heard to what was said in lower case."""
    return _distance(expected.split(), _words(heard))


def _words(text: str) -> list[str]:
    found = re.findall(r"[a-z']+|\d+", text.lower().replace("-", " "))
    return [_spelled(word) for word in found]


def _spelled(word: str) -> str:
    if word.isdigit() and int(word) < len(_NUMBERS):
        return _NUMBERS[int(word)]
    return _SPELLINGS.get(word, word)


def _distance(expected: list[str], heard: list[str]) -> int:
    row = list(range(len(heard) + 1))
    for number, word in enumerate(expected, 1):
        diagonal, row[0] = row[0], number
        for column, other in enumerate(heard, 1):
            diagonal, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, diagonal + (word != other)),
            )
    return row[-1]
