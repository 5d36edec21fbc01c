"""What of an answer is shown and not read aloud: blocks of code, tables, formulas on lines of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = ("CodeBlock", "Formula", "Shown", "ShownBlock", "Table")

_PREFIX = " \t>"
_BAR = re.compile(r"(?<!\\)\|")
_FENCE = re.compile(r"(`{3,}(?=[^`]*$)|~{3,})[ \t]*([^\s`{]*)")


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of the answer that is shown and not read.

    Attributes:
        detail: the language of code; the columns of a table, one a line.
    """

    kind: Literal["code", "table", "formula"]
    detail: str
    start: int
    end: int


class ShownBlock(Protocol):
    """A block that is taken line by line, with the marks of the quotes it stands in."""

    @property
    def kind(self) -> Literal["code", "table", "formula"]:
        """As in `Shown`."""

    @property
    def detail(self) -> str:
        """As in `Shown`."""

    def ends_before(self, line: str) -> bool:
        """Whether the line, of which the first visible character is there, is not part of it."""

    def take(self, line: str) -> bool:
        """Add a line; says whether it was the last."""


class CodeBlock:
    """Fenced code, from the line after its opening fence."""

    kind: Literal["code"] = "code"

    def __init__(self, fence: str, language: str) -> None:
        self._fence = fence
        self.detail = language

    @classmethod
    def opened_by(cls, line: str) -> CodeBlock | None:
        """The block that a line opens."""
        match = _FENCE.match(line)
        return cls(match[1], match[2]) if match else None

    def ends_before(self, line: str) -> bool:  # noqa: ARG002
        """Never: it ends with its closing fence."""
        return False

    def take(self, line: str) -> bool:
        """Whether the line is the closing fence."""
        line = line.strip(_PREFIX + "\r\n")
        return line.startswith(self._fence) and not line.strip(self._fence[0])


class Table:
    """A table whose rows begin with a bar."""

    kind: Literal["table"] = "table"

    def __init__(self) -> None:
        self._header = ""

    @property
    def detail(self) -> str:
        """The columns, one a line."""
        cells = _BAR.split(self._header.strip("|"))
        return "\n".join(cell.strip() for cell in cells if cell.strip())

    def ends_before(self, line: str) -> bool:
        """Whether it is no row."""
        return not line.lstrip(_PREFIX).startswith("|")

    def take(self, line: str) -> bool:
        """The first row is the header."""
        self._header = self._header or line[line.index("|") :].rstrip()
        return False


class Formula:
    """A formula between lines with ``$$``, or with square brackets after a backslash."""

    kind: Literal["formula"] = "formula"
    detail = ""

    def __init__(self, opening: str) -> None:
        self._closing = {"$$": "$$", "\\[": "\\]"}[opening]

    def ends_before(self, line: str) -> bool:
        """A blank line ends one that was never closed, so that the rest is not lost."""
        return not line.strip(_PREFIX + "\r")

    def take(self, line: str) -> bool:
        """Whether it closes in this line."""
        return self._closing in line
