"""Colouring code, by Pygments; slow enough to belong in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pygments.lexer import Lexer

__all__ = ("LARGEST_CODE", "Group", "Token", "highlight_code")

Group = Literal["comment", "keyword", "string", "number", "name", "operator"]

Token = tuple[int, int, Group]
"""Start and end (exclusive) within a line, and what stands there."""

LARGEST_CODE = 256 * 1024
"""Code of more characters than this stays plain."""

_GROUPS: dict[tuple[str, ...], Group] = {
    ("Comment",): "comment",
    ("Keyword",): "keyword",
    ("Name", "Tag"): "keyword",
    ("Name", "Builtin", "Pseudo"): "keyword",
    ("Operator", "Word"): "keyword",
    ("Literal", "String"): "string",
    ("Generic", "Inserted"): "string",
    ("Literal",): "number",
    ("Name", "Function"): "name",
    ("Name", "Class"): "name",
    ("Name", "Decorator"): "name",
    ("Name", "Builtin"): "name",
    ("Operator",): "operator",
    ("Generic", "Deleted"): "operator",
}
"""Pygments' token types, which are tuples of names; the longest prefix counts."""

_PLAIN = frozenset(("", "text", "txt", "plain", "plaintext", "output", "console-output"))


def highlight_code(lines: Sequence[str], language: str) -> list[list[Token]]:
    """What stands where in each of ``lines``; nothing where the language is unknown.

    Imports Pygments and takes about 2 ms a KiB: call it in a thread.
    """
    if sum(map(len, lines)) > LARGEST_CODE:
        return []
    lexer = _lexer(language)
    if lexer is None:
        return []
    tokens: list[list[Token]] = [[]]
    column = 0
    for kind, text in lexer.get_tokens("\n".join(lines)):
        group = _group(kind)
        for index, piece in enumerate(text.split("\n")):
            if index:
                tokens.append([])
                column = 0
            if group is not None and piece:
                tokens[-1].append((column, column + len(piece), group))
            column += len(piece)
    return tokens[: len(lines)]


def _lexer(language: str) -> Lexer | None:
    name = language.strip("{}.,").lower()
    if name in _PLAIN:
        return None
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    try:
        return get_lexer_by_name(name, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


@lru_cache(maxsize=512)
def _group(kind: tuple[str, ...]) -> Group | None:
    while kind:
        if (group := _GROUPS.get(kind)) is not None:
            return group
        kind = tuple(kind[:-1])
    return None
