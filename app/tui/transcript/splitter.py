"""Markdown into blocks while it arrives, a piece of text at a time.

However the text is cut into pieces, the finished blocks are those of the whole text at once. A line
costs its own length, never its block's; a line longer than ``LONGEST_LINE`` is taken in pieces and a
paragraph longer than that is ended at its next line, so that no block but code and tables is large.

The grammar is CommonMark's block structure with tables (https://spec.commonmark.org/0.31.2,
https://github.github.com/gfm/#tables-extension-), made for what models write:
nesting needs two columns only, code fences in a list may be indented carelessly, ``---`` is always a
rule, HTML is text, there is no indented code, and a line break is a line break.
"""

from __future__ import annotations

import re
from dataclasses import replace

from app.tui.transcript.blocks import QUOTE, Block, BlockKind, Container

__all__ = ("LONGEST_LINE", "BlockSplitter", "split_blocks")

LONGEST_LINE = 2048

_QUOTE = re.compile(r" *> ?")
_ITEM = re.compile(r"( *)([-*+]|(\d{1,9})[.)])(?: ( *)|$)")
_TASK = re.compile(r"\[([ xX])\] ")
_FENCE = re.compile(r"( *)(`{3,}|~{3,})([^`]*)$")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$")
_RULE = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}=+[ \t]*$")
_DELIMITERS = re.compile(r" *\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_BAR = re.compile(r"(?<!\\)\|")
_UNDECIDED = re.compile(r"[\s\-*+_#>|=:~`]*$")
_BULLETS = "•◦▪"


class BlockSplitter:
    """Takes text as it arrives; ``blocks`` holds what is finished, ``preview`` shows the rest."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._open: Block | None = None
        self._containers: tuple[Container, ...] = ()
        self._fence = ""
        self._fence_indent = 0
        self._blank = False
        self._partial = ""
        self._offset = 0
        self._mid_line = False

    def feed(self, text: str) -> None:
        """Add text; call ``finish`` after the last of it."""
        *lines, rest = text.split("\n")
        for line in lines:
            self._line_ended(self._partial + line)
            self._partial = ""
        self._partial = self._take_pieces(self._partial + rest)

    def finish(self) -> None:
        """End the text: every block is final."""
        if self._partial:
            self._line(self._partial)
            self._partial = ""
        self._close()

    def preview(self) -> list[Block]:
        """What is open, as it would look if the text ended here; replaces the last preview.

        A code block or table that stays open is the same object each time, so that a view can
        show only what is new in it.
        """
        partial, block = self._partial, self._open
        if block is not None and block.kind == "code":
            rest, matched = self._strip_containers(partial, block.containers)
            closing = matched and self._fence.startswith(rest.strip())
            block.partial = "" if closing else _dedent(rest, self._fence_indent)
            return [block]
        if block is not None and block.kind == "table":
            rest, matched = self._strip_containers(partial, block.containers)
            block.partial = rest if matched and not _UNDECIDED.match(rest) else ""
            if block.partial and not self._is_row(rest):
                block.partial = ""
                return [block, *self._preview_line(partial, None)]
            return [block]
        if not partial:
            return [self._as_table(block) or block] if block else []
        return self._preview_line(partial, block)

    def _preview_line(self, partial: str, block: Block | None) -> list[Block]:
        rest, _ = self._strip_containers(partial, self._containers)
        if _UNDECIDED.match(rest):  # may become a rule, a bullet, emphasis: wait for one more character
            return [self._as_table(block) or block] if block else []
        scratch = BlockSplitter()
        scratch._containers, scratch._blank = self._containers, self._blank
        scratch._offset, scratch._mid_line = self._offset, self._mid_line
        scratch._open = replace(block, lines=block.lines.copy()) if block else None
        scratch.blocks = self.blocks[-1:]
        known = len(scratch.blocks)
        scratch._line(partial)
        last = scratch._open
        tail = scratch.blocks[known:]
        return [*tail, self._as_table(last) or last] if last else tail

    def _as_table(self, block: Block | None) -> Block | None:
        """A lone line with bars will most likely turn out to be a table's header."""
        if block is None or block.kind != "paragraph" or len(block.lines) != 1:
            return None
        header = block.lines[0]
        if not header.startswith("|") or len(header) < 2:
            return None
        return replace(block, kind="table", lines=[header, "|-" * max(1, _columns(header))])

    def _take_pieces(self, line: str) -> str:
        while len(line) > LONGEST_LINE:
            cut = line.rfind(" ", LONGEST_LINE // 2, LONGEST_LINE) + 1 or LONGEST_LINE
            self._line(line[:cut], goes_on=True)
            self._offset += cut
            self._mid_line = True
            line = line[cut:]
        return line

    def _line_ended(self, line: str) -> None:
        line = self._take_pieces(line)
        self._line(line)
        self._offset += len(line) + 1
        self._mid_line = False

    def _line(self, line: str, *, goes_on: bool = False) -> None:
        end = self._offset + len(line)
        if self._mid_line:
            self._next_piece(line, end, goes_on)
        elif self._open is not None and self._open.kind == "code":
            if not self._code_line(self._open, line, end, goes_on):
                self._text_line(line, end, goes_on)
        else:
            self._text_line(line, end, goes_on)

    def _next_piece(self, piece: str, end: int, goes_on: bool) -> None:
        block = self._open
        if block is not None and block.kind == "code":
            self._append_code(block, piece, end, goes_on)
            return
        self._start("paragraph", self._containers, 0, [piece], end)
        assert self._open is not None
        self._open.continues = True
        if goes_on:
            self._close()

    def _append_code(self, block: Block, line: str, end: int, goes_on: bool) -> None:
        if goes_on:
            block.broken.add(len(block.lines))
        block.lines.append(line)
        block.end = end
        block.partial = ""

    def _code_line(self, block: Block, line: str, end: int, goes_on: bool) -> bool:
        rest, matched = self._strip_containers(line, block.containers)
        if not matched:
            self._close()
            return False
        stripped = rest.strip()
        if not goes_on and stripped.startswith(self._fence) and not stripped.strip(self._fence[0]):
            block.end = end
            self._close()
        else:
            self._append_code(block, _dedent(rest, self._fence_indent), end, goes_on)
        return True

    def _strip_containers(self, line: str, containers: tuple[Container, ...]) -> tuple[str, bool]:
        """Without the prefixes of quotes and the indentation of items, as far as it has them."""
        for container in containers:
            if container.is_quote:
                if (match := _QUOTE.match(line)) is None:
                    return line, False
                line = line[match.end() :]
            else:
                line = _dedent(line, container.indent)
        return line, True

    def _match_containers(self, line: str) -> tuple[str, int]:
        """The line without the prefixes of the containers it stays in, and how many those are."""
        for matched, container in enumerate(self._containers):
            if container.is_quote:
                if (match := _QUOTE.match(line)) is None:
                    return line, matched
                line = line[match.end() :]
                continue
            text = line.lstrip(" \t")
            if not text:
                continue
            indent = _indent(line)
            nested = indent >= 2 and (_ITEM.match(text) or _FENCE.match(text))
            if indent < container.indent and not nested:
                return line, matched
            line = _dedent(line, container.indent)
        return line, len(self._containers)

    def _text_line(self, line: str, end: int, goes_on: bool) -> None:
        rest, matched = self._match_containers(line)
        stayed = matched == len(self._containers)
        block = self._open
        in_paragraph = stayed and block is not None and block.kind == "paragraph"
        containers, fresh, rest = self._new_containers(rest, matched, in_paragraph)
        inside = stayed and not fresh
        if not rest.strip() and not fresh:
            self._close()
            self._blank = bool(self.blocks)
            self._containers = containers
        elif match := _FENCE.match(rest):
            self._start("code", containers, fresh, [], end)
            assert self._open is not None
            self._fence, self._fence_indent = match[2], len(match[1])
            self._open.language = match[3].strip().partition(" ")[0]
        elif inside and block is not None and self._continues_block(block, rest, end):
            pass
        elif match := _HEADING.match(rest):
            self._start("heading", containers, fresh, [match[2] or ""], end)
            assert self._open is not None
            self._open.level = len(match[1])
            self._close()
        elif _RULE.match(rest):
            self._start("rule", containers, fresh, [], end)
            self._close()
        else:
            self._paragraph_line(rest, containers, fresh, end, goes_on)
        if goes_on:
            if self._open is not None and self._open.kind != "code":
                self._close()
            elif self._open is not None:
                # An overlong info string is not worth keeping apart from the code.
                self._open.language = self._open.language[:40]

    def _new_containers(
        self, rest: str, matched: int, in_paragraph: bool
    ) -> tuple[tuple[Container, ...], int, str]:
        """Take quote marks and item markers off the line; says how many containers begin here."""
        containers, fresh = list(self._containers[:matched]), 0
        while True:
            if match := _QUOTE.match(rest):
                containers.append(QUOTE)
                rest = rest[match.end() :]
            elif (match := _ITEM.match(rest)) and not _RULE.match(rest):
                text = rest[match.end() :]
                if in_paragraph and (not text.strip() or match[3] not in (None, "1")):
                    break
                rest = text
                spaces = len(match[4] or "")
                if spaces > 3:  # the text begins with spaces of its own
                    rest, spaces = " " * spaces + rest, 0
                marker = match[2] if match[3] else self._bullet(containers)
                if task := _TASK.match(rest):
                    marker = "☐" if task[1] == " " else "☑"
                    rest = rest[task.end() :]
                indent = len(match[1]) + len(match[2]) + 1 + spaces
                containers.append(Container(marker, indent))
            else:
                break
            fresh += 1
            in_paragraph = False
        return tuple(containers), fresh, rest

    @staticmethod
    def _bullet(containers: list[Container]) -> str:
        depth = sum(not container.is_quote for container in containers)
        return _BULLETS[min(depth, len(_BULLETS) - 1)]

    def _continues_block(self, block: Block, rest: str, end: int) -> bool:
        """Whether the line made the open table or paragraph something more than a paragraph."""
        if block.kind == "table":
            if not self._is_row(rest):
                return False
            block.lines.append(rest)
            block.partial = ""
        elif _UNDERLINE.match(rest) and len(block.lines) == 1 and block.lines[0]:
            block.kind, block.level = "heading", 1
        elif "|" in rest and _DELIMITERS.match(rest) and _columns(block.lines[-1]) == _columns(rest):
            header = block.lines[-1]
            if len(block.lines) > 1:
                header = block.lines.pop()
                start = self._offset - len(header) - 1
                block.end = start - 1
                self._start("table", block.containers, 0, [header], end)
                assert self._open is not None
                block = self._open
                block.start = start
            block.kind = "table"
            block.lines = [header, rest.strip()]
        else:
            return False
        block.end = end
        if block.kind == "heading":
            self._close()
        return True

    def _is_row(self, rest: str) -> bool:
        return "|" in rest and not (_FENCE.match(rest) or _HEADING.match(rest))

    def _paragraph_line(
        self, rest: str, containers: tuple[Container, ...], fresh: int, end: int, goes_on: bool
    ) -> None:
        text = rest if _indent(rest) > 3 else rest.lstrip(" \t")
        if not goes_on:
            text = text.rstrip()
        block = self._open
        lazy = block is not None and block.kind == "paragraph" and not fresh
        if not lazy or block is None:
            self._start("paragraph", containers, fresh, [text], end)
            return
        if block.lines == [""]:
            block.lines[0] = text
        else:
            block.lines.append(text)
        block.end = end
        if end - block.start > LONGEST_LINE:
            self._close()

    def _start(
        self, kind: BlockKind, containers: tuple[Container, ...], fresh: int, lines: list[str], end: int
    ) -> None:
        self._close()
        self._containers = containers
        self._open = Block(kind, self._offset, end, containers, fresh, lines=lines, gap=self._blank)
        self._blank = False

    def _close(self) -> None:
        if self._open is not None:
            self._open.open = False
            self._open.partial = ""
            self.blocks.append(self._open)
            self._open = None


def split_blocks(text: str) -> list[Block]:
    """The blocks of a whole text."""
    splitter = BlockSplitter()
    splitter.feed(text)
    splitter.finish()
    return splitter.blocks


def _columns(row: str) -> int:
    return len(_BAR.split(row.strip().removeprefix("|").removesuffix("|")))


def _indent(line: str) -> int:
    space = line[: len(line) - len(line.lstrip(" \t"))]
    return len(space.expandtabs(4)) if "\t" in space else len(space)


def _dedent(line: str, columns: int) -> str:
    """Without up to this many columns of leading white space."""
    if not columns:
        return line
    text = line.lstrip(" \t")
    space = line[: len(line) - len(text)]
    if "\t" in space:
        space = space.expandtabs(4)
    return space[columns:] + text
