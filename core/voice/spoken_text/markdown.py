"""Markdown, as it arrives, into words that can be spoken and blocks that can only be shown.

The grammar is what models write of CommonMark and its tables. A line is judged by its beginning as soon
as that can mean one thing only; a word is handed on as soon as it has ended. Whatever is decided depends
on the text and never on the pieces in which it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.voice.spoken_text.inline import plain, word_end
from core.voice.spoken_text.languages import Language
from core.voice.spoken_text.mapped_text import MappedText
from core.voice.spoken_text.shown import CodeBlock, Formula, Shown, ShownBlock, Table

__all__ = ("Break", "MarkdownEvent", "MarkdownReader", "Word")

_ANNOUNCED_AFTER = 12
"""Lines of a shown block after which it is announced, even though it goes on."""
_LINE_WINDOW = 240
"""Characters of a line that tell what kind of line it is."""
_WORD_WINDOW = 1_200


@dataclass(frozen=True, slots=True)
class Word:
    """A word that is spoken, and the white space before it in its line."""

    text: MappedText
    space: str


@dataclass(frozen=True, slots=True)
class Break:
    """A paragraph, an item or a heading ended; or just a line of one."""

    kind: Literal["block", "line"]


MarkdownEvent = Word | Shown | Break

_UNDECIDED = re.compile(r"(?:\W|_)*\d{0,3}(?:\W|_)*")
"""A beginning that may yet become a list item, a rule, a fence or a heading."""
_OPEN_BRACKET = re.compile(r"\[[^\]]*(?:\](?::.*)?)?$")
_CONTAINERS = re.compile(
    r"(?:[ \t]*(?:>|(?P<bullet>[-*+•◦▪])(?=[ \t])))*(?:[ \t]*(?P<number>\d{1,3})[.)](?=[ \t]))?[ \t]*"
)
_HEADING = re.compile(r"#{1,6}[ \t]+")
_TASK = re.compile(r"\[[ xX]\][ \t]")
_NOTE = re.compile(r"\[\^[^\]\s]+\]:[ \t]*")
_REFERENCE = re.compile(r"\[[^\]^][^\]]*\]:[ \t]")
_ORNAMENT = re.compile(r"[-*_=|:+\s]*$")
_FENCE = re.compile(r"```|~~~")
_FORMULA = re.compile(r"(\$\$|\\\[)(?:\s*|(?!.*(?:\$\$|\\\])).*\\[a-zA-Z].*)$")
"""A formula over several lines: nothing follows its opening mark, or TeX that does not close in the line."""
_SPACES = re.compile(r"[^\S\n]+")


class MarkdownReader:
    """Takes text as it arrives and gives what has become certain of it."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._text = ""
        self._offset = 0  # of _text in the answer
        self._at = 0  # in _text
        self._finished = False
        self._events: list[MarkdownEvent] = []
        self._read: Callable[[], bool] = self._read_line_start
        self._space = ""
        self._in_paragraph = False
        self._in_heading = False
        self._block: ShownBlock | None = None
        self._block_start = 0
        self._block_lines = 0
        self._announced = False

    def feed(self, text: str) -> list[MarkdownEvent]:
        """Add text."""
        self._offset += self._at
        self._text = self._text[self._at :] + text
        self._at = 0
        return self._run()

    def finish(self) -> list[MarkdownEvent]:
        """End the text."""
        self._finished = True
        events = self._run()
        if self._block is not None:
            self._end_block()
        return [*events, *self._taken()]

    def _run(self) -> list[MarkdownEvent]:
        while self._at < len(self._text) and self._read():
            pass
        return self._taken()

    def _taken(self) -> list[MarkdownEvent]:
        events, self._events = self._events, []
        return events

    def _window(self, size: int) -> tuple[str, bool]:
        """The rest of the line, at most ``size`` characters of it, and whether that is all of it."""
        end = self._text.find("\n", self._at, self._at + size)
        line = self._text[self._at : end if end >= 0 else self._at + size]
        return line, end >= 0 or (self._finished and len(line) < size)

    def _whole_line(self) -> str | None:
        """The rest of the line with its newline, or ``None`` while it has not ended."""
        end = self._text.find("\n", self._at)
        if end < 0:
            return self._text[self._at :] if self._finished else None
        return self._text[self._at : end + 1]

    @property
    def _place(self) -> int:
        """Where in the answer it is read on."""
        return self._offset + self._at

    # Lines

    def _read_line_start(self) -> bool:
        line, complete = self._window(_LINE_WINDOW)
        known = complete or len(line) == _LINE_WINDOW
        if not known and _UNDECIDED.fullmatch(line):
            return False
        containers = _CONTAINERS.match(line)
        assert containers is not None  # it matches the empty text
        rest = line[containers.end() :]
        if not known and _OPEN_BRACKET.match(rest):
            return False
        if complete and (_ORNAMENT.match(rest) or _REFERENCE.match(rest)):
            self._break("block")
            self._skip_line(line)
        elif rest.startswith("|"):
            self._begin_block(Table())
        elif complete and (formula := _FORMULA.match(rest)):
            self._begin_block(Formula(formula[1]))
            self._skip_line(line)
        elif _FENCE.match(rest):
            return self._read_fence(line, containers)
        else:
            self._begin_prose(line, containers)
        return True

    def _read_fence(self, line: str, containers: re.Match[str]) -> bool:
        whole = self._whole_line()
        if whole is None:
            return False
        if block := CodeBlock.opened_by(whole[containers.end() :].rstrip()):
            self._begin_block(block)
            self._at += len(whole)
        else:
            self._begin_prose(line, containers)
        return True

    def _begin_prose(self, line: str, containers: re.Match[str]) -> None:
        rest = line[containers.end() :]
        heading = _HEADING.match(rest)
        lead = heading or _TASK.match(rest) or _NOTE.match(rest)
        number, bullet = containers["number"], containers["bullet"]
        self._break("line" if self._in_paragraph and not (lead or number or bullet) else "block")
        self._space = ""
        if number:
            said = MappedText.verbatim(number, self._place + containers.start("number"))
            self._events.append(Word(said + said.after(len(said), ":"), ""))
            self._space = " "
        self._at += containers.end() + (lead.end() if lead else 0)
        self._in_heading = heading is not None
        self._in_paragraph = not heading
        self._read = self._read_words

    def _skip_line(self, line: str) -> None:
        self._at = min(self._at + len(line) + 1, len(self._text))

    def _break(self, kind: Literal["block", "line"]) -> None:
        if kind == "block":
            self._in_paragraph = False
        self._events.append(Break(kind))

    # Prose

    def _read_words(self) -> bool:
        line, complete = self._window(_WORD_WINDOW)
        if not line:
            self._end_line()
        elif spaces := _SPACES.match(line):
            self._space = self._space or spaces[0]
            self._at += spaces.end()
        else:
            end = word_end(line, complete=complete)
            if end is None:
                return False
            self._add_word(line[:end])
            self._at += end
        return True

    def _add_word(self, word: str) -> None:
        if self._in_heading and not word.strip("#"):
            return
        said = plain(word, self._place, self._language)
        if said.text:
            self._events.append(Word(said, self._space))
            self._space = ""

    def _end_line(self) -> None:
        self._at += 1
        if self._in_heading:
            self._break("block")
        self._read = self._read_line_start

    # Blocks that are shown

    def _begin_block(self, block: ShownBlock) -> None:
        self._break("block")
        self._block, self._block_start, self._block_lines = block, self._place, 0
        self._announced = False
        self._read = self._read_block

    def _read_block(self) -> bool:
        block = self._block
        assert block is not None
        head, complete = self._window(_LINE_WINDOW)
        if not (complete or head.strip(" \t>")):
            return False
        if self._block_lines and block.ends_before(head):
            self._end_block()
            return True
        line = self._whole_line()
        if line is None:
            return False
        self._at += len(line)
        self._block_lines += 1
        if block.take(line):
            self._end_block()
        elif self._block_lines == _ANNOUNCED_AFTER:
            self._announce(block)
        return True

    def _end_block(self) -> None:
        if self._block is not None and not self._announced:
            self._announce(self._block)
        self._block = None
        self._read = self._read_line_start

    def _announce(self, block: ShownBlock) -> None:
        self._announced = True
        self._events.append(Shown(block.kind, block.detail, self._block_start, self._place))
