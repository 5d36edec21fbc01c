"""Walks through JSON text that may be larger than memory, and knows the line and the record it is at."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Iterator
from decimal import Decimal

from core.errors import InputError

__all__ = ("JsonText", "json_records")

_PIECE = 1 << 16
_LONGEST_RECORD = 1 << 24
"""Characters; a record with its messages in it is far shorter, and a file that is no JSON ends here."""
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=Decimal)


class JsonText:
    """A place in JSON text.

    Args:
        read: gives the next so many characters; fewer only at the end.
        name: of the file, for errors.

    Attributes:
        line: from 1.
        records: that `json_records` has found.
    """

    def __init__(self, read: Callable[[int], str], name: str) -> None:
        self.line = 1
        self.records = 0
        self._read = read
        self._name = name
        self._text = ""
        self._at = 0
        self._ended = False

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            self._move(_SPACE.match(self._text, self._at).end())  # type: ignore[union-attr]  # it matches anything
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._read_on(_PIECE)

    def take(self, wanted: str) -> str:
        """Pass the next character, which must be one of these.

        Raises:
            InputError: it is not.
        """
        found = self.peek()
        if not found or found not in wanted:
            raise self._error(self.line, f"there should be {' or '.join(wanted)}")
        self._move(self._at + 1)
        return found

    def value(self) -> object:
        """Pass the next value; numbers with a fraction are exact decimals.

        Raises:
            InputError: there is none, or half of one.
        """
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                self._read_rest(error)
            else:
                if end < len(self._text) or self._ended:  # or else a number may go on
                    self._move(end)
                    return value
                self._read_on(_PIECE)

    def name(self) -> str:
        """Pass the name of a field and the colon behind it.

        Raises:
            InputError: there is none.
        """
        self.peek()
        line, name = self.line, self.value()
        if not isinstance(name, str):
            raise self._error(line, "there should be a name in quotes")
        self.take(":")
        return name

    def _read_rest(self, error: Exception) -> None:
        """What cannot be read may be half of a value, as long as there is more text."""
        pending = len(self._text) - self._at
        if self._ended or pending > _LONGEST_RECORD or isinstance(error, RecursionError):
            line = self.line
            if isinstance(error, json.JSONDecodeError):
                line += self._text.count("\n", self._at, error.pos)
            raise self._error(line, str(error).partition(":")[0]) from error
        self._read_on(max(_PIECE, pending))

    def _read_on(self, characters: int) -> None:
        piece = self._read(characters)
        self._ended = not piece
        self._text = self._text[self._at :] + piece
        self._at = 0

    def _move(self, to: int) -> None:
        self.line += self._text.count("\n", self._at, to)
        self._at = to

    def _error(self, line: int, problem: str) -> InputError:
        if self._at >= len(self._text) and self._ended:
            problem = "the file ends here, before it is complete"
        return InputError(
            f"{self._name}, line {line}, record {self.records + 1}: this is no JSON ({problem}).",
            hint="The file may be cut off or half written: export it again.",
        )


def json_records(text: JsonText, lists: Container[str]) -> Iterator[tuple[int, object]]:
    """The records in a list, in JSON lines, or in an object that has them in a list.

    Args:
        text: at its start.
        lists: what such a list may be called.

    Yields:
        The line on which it begins, and the record.

    Raises:
        InputError: the text is no JSON from here on.
    """
    while found := text.peek():
        if found == "{":
            yield from _object(text, lists)
        elif found == "[":
            yield from _elements(text)
        else:
            yield _element(text)


def _elements(text: JsonText) -> Iterator[tuple[int, object]]:
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    while True:
        yield _element(text)
        if text.take(",]") == "]":
            return


def _element(text: JsonText) -> tuple[int, object]:
    text.peek()
    line, value = text.line, text.value()
    text.records += 1
    return line, value


def _object(text: JsonText, lists: Container[str]) -> Iterator[tuple[int, object]]:
    """A record; or, where it has a list of them, what is in that."""
    line, holds_list = text.line, False
    fields: dict[str, object] = {}
    text.take("{")
    closed = text.peek() == "}" and text.take("}") == "}"
    while not closed:
        name = text.name()
        if name in lists and text.peek() == "[":
            holds_list = True
            yield from _elements(text)
        else:
            fields[name] = text.value()
        closed = text.take(",}") == "}"
    if not holds_list:
        text.records += 1
        yield line, fields
