"""JSON as it was written: its tokens, and where in the text a value stands."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

__all__ = ("Step", "is_json", "parse", "place_of", "pointer_to", "tokens")

Step = str | int
"""The name of a property, or the number of an item."""

_MOST_DIGITS = 4_000
"""More take Python too long to read (``sys.int_info``)."""
_TOKEN = re.compile(r'"(?:[^"\\]|\\.?)*+"?|[\[\]{},:]|[^\s\[\]{},:"]+', re.DOTALL)


def parse(text: str) -> object:
    """The value of JSON text.

    Raises:
        ValueError: it is not JSON; a ``json.JSONDecodeError`` where one place is at fault. ``NaN``,
            ``Infinity`` and numbers that no double holds are not JSON here.
        RecursionError: it is nested too deeply.
    """
    value: object = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_whole)
    return value


def is_json(text: str) -> bool:
    """Whether text is one JSON object or array."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        parse(text)
    except (ValueError, RecursionError):
        return False
    return True


def tokens(text: str) -> Iterator[tuple[int, str]]:
    """The tokens of JSON text with where each begins; of broken text, what may be its tokens.

    White space is left out. A string that does not end is a token without a closing quote.
    """
    return ((match.start(), match[0]) for match in _TOKEN.finditer(text))


def place_of(text: str, path: Sequence[Step]) -> tuple[int, int]:
    """Line and column, from 1, of the value at ``path`` of valid JSON, or of what it would stand in."""
    offset = _offset(text, list(path))
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def pointer_to(path: Sequence[Step]) -> str:
    """The path as a JSON pointer (RFC 6901); empty for the whole."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _offset(text: str, path: list[Step]) -> int:
    """Where the value begins; walks the tokens, and keeps the path of the one that comes next."""
    here: list[Step] = []  # of the value that comes next
    best, found = 0, -1
    name_next = [False]
    for offset, lexeme in tokens(text):
        if lexeme in "}]":
            here.pop()
            name_next.pop()
        elif lexeme == ",":
            if isinstance(here[-1], int):
                here[-1] += 1
            else:
                name_next[-1] = True
        elif name_next[-1] and lexeme != ":":
            here[-1] = json.loads(lexeme)
            name_next[-1] = False
        elif lexeme != ":":
            if len(here) > found and here == path[: len(here)]:
                best, found = offset, len(here)
            if found == len(path):
                return best
            if lexeme in "{[":
                here.append("" if lexeme == "{" else 0)
                name_next.append(lexeme == "{")
    return best


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {digits} is too large")
    return number
