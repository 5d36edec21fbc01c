"""The pieces an answer is shown in: paragraphs, headings, code, tables and rules.

Lists and quotes are not blocks but *containers* of blocks, so that a list of any length is many
small blocks and each can be finished as soon as its item is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ("QUOTE", "Block", "BlockKind", "Container")

BlockKind = Literal["paragraph", "heading", "code", "table", "rule"]


@dataclass(frozen=True, slots=True)
class Container:
    """A list item or a quote that a block stands in.

    Attributes:
        marker: what is shown before an item, such as ``•``, ``3.`` or ``☑``; empty for a quote.
        indent: columns by which the source indents what belongs to an item; 0 for a quote.
    """

    marker: str = ""
    indent: int = 0

    @property
    def is_quote(self) -> bool:
        """Whether this is a quote rather than a list item."""
        return self.indent == 0


QUOTE = Container()


@dataclass(slots=True)
class Block:
    """One piece of Markdown.

    Attributes:
        kind: what it is.
        start: where it begins in the source, in characters.
        end: where it ends in the source, exclusive, without its newline.
        containers: the items and quotes around it, outermost first.
        fresh: how many of the innermost containers begin with this block, so that it shows their markers.
        level: 1 to 6 for a heading.
        language: of a code block, as the fence names it.
        lines: its text without container prefixes; a table's are header, delimiter row and rows.
        partial: the line that is still arriving, for code and tables.
        broken: indices of ``lines`` that go on in the next line: pieces of one overlong line.
        gap: whether a blank line stands before it.
        continues: whether it is the next piece of the overlong line that ended the block before.
        open: whether more may come.
    """

    kind: BlockKind
    start: int
    end: int
    containers: tuple[Container, ...] = ()
    fresh: int = 0
    level: int = 0
    language: str = ""
    lines: list[str] = field(default_factory=list)
    partial: str = ""
    broken: set[int] = field(default_factory=set)
    gap: bool = False
    continues: bool = False
    open: bool = True

    @property
    def text(self) -> str:
        """The lines joined as they were in the source; for code, exactly the code."""
        if not self.broken:
            return "\n".join(self.lines)
        last = len(self.lines) - 1
        return "".join(
            line if index in self.broken or index == last else line + "\n"
            for index, line in enumerate(self.lines)
        )
