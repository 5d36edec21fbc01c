"""JSON set out for reading, token by token: what the model wrote is moved, never changed."""

from __future__ import annotations

from dataclasses import dataclass

from core.written_json.json_source import tokens

__all__ = ("Indenter", "Nest", "indented")

_STEP = "  "


@dataclass(slots=True)
class Nest:
    """An object or array that takes several lines.

    Attributes:
        last: the line of its closing bracket; ``None`` while it is open.
        size: properties or items in it, so far.
    """

    last: int | None = None
    size: int = 0


class Indenter:
    """Sets out JSON while it arrives: a line a property or item, two blanks a level.

    Strings and numbers stay as they were written, to the digit. Text that is not JSON comes out as
    something, never as an error.

    Attributes:
        lines: what is set out; the last one may still grow.
        nests: objects and arrays that are not empty, by the line they begin on.
    """

    def __init__(self) -> None:
        self.lines: list[str] = [""]
        self.nests: dict[int, Nest] = {}
        self._open: list[tuple[int, Nest]] = []
        self._break = False  # whether what comes next begins a line
        self._begun = ""  # a token that may go on

    def feed(self, text: str) -> None:
        """Take in a piece; a string or number is set out once it is whole."""
        text = self._begun + text
        self._begun = ""
        for offset, lexeme in tokens(text):
            if offset + len(lexeme) == len(text) and _may_go_on(lexeme):
                self._begun = lexeme
            else:
                self._add(lexeme)

    def finish(self) -> None:
        """Nothing more will come."""
        begun, self._begun = self._begun, ""
        if begun:
            self._add(begun)

    def _add(self, lexeme: str) -> None:
        if lexeme in "}]":
            self._close(lexeme)
        elif lexeme == ",":
            self.lines[-1] += ","
            self._break = True
        elif lexeme == ":":
            self.lines[-1] += ": "
        else:
            self._begin_item()
            beside = self.lines[-1].strip() and not self.lines[-1].endswith(" ")  # not in JSON
            self.lines[-1] += f" {lexeme}" if beside else lexeme
            if lexeme in "{[":
                self._open.append((len(self.lines) - 1, Nest()))
                self._break = True

    def _begin_item(self) -> None:
        if not self._break:
            return
        self._break = False
        if self._open:
            line, nest = self._open[-1]
            nest.size += 1
            self.nests[line] = nest
        self.lines.append(_STEP * len(self._open))

    def _close(self, lexeme: str) -> None:
        nest = self._open.pop()[1] if self._open else Nest()
        self._break = False
        if nest.size:
            nest.last = len(self.lines)
            self.lines.append(_STEP * len(self._open))
        self.lines[-1] += lexeme


def indented(text: str) -> str:
    """Valid JSON set out for reading; see `Indenter`."""
    indenter = Indenter()
    indenter.feed(text)
    indenter.finish()
    return "\n".join(indenter.lines)


def _may_go_on(lexeme: str) -> bool:
    """Whether a token at the end of what has arrived is perhaps not whole."""
    if lexeme.startswith('"'):
        return len(lexeme) == 1 or not lexeme.endswith('"') or _escaped(lexeme)
    return lexeme not in "{}[],:"


def _escaped(string: str) -> bool:
    """Whether the quote at the end is part of the string."""
    body = string[:-1]
    return (len(body) - len(body.rstrip("\\"))) % 2 == 1
