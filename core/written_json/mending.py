"""JSON as models write it: found in what stands around it, and mended where little is missing."""

from __future__ import annotations

import re

from core.written_json.json_source import is_json, tokens

__all__ = ("mended",)

_BEGINNING = re.compile(r"[{\[]")
_CLOSING = {"{": "}", "[": "]"}


def mended(text: str) -> str | None:
    """The first object or array in a text, as valid JSON; ``None`` where there is none.

    Prose and code fences around it are left out, commas before a closing bracket too, and the very last
    bracket is added where that alone is missing. What was cut off anywhere else stays broken: nobody
    knows what was to follow.
    """
    beginning = _BEGINNING.search(text)
    if beginning is None:
        return None
    source = text[beginning.start() :]
    pieces: list[str] = []
    open_brackets: list[str] = []
    end = comma = 0
    for offset, lexeme in tokens(source):
        pieces += (source[end:offset], lexeme)
        end = offset + len(lexeme)
        if lexeme in _CLOSING:
            open_brackets.append(lexeme)
        elif lexeme in "}]":
            if _CLOSING[open_brackets.pop()] != lexeme:
                return None
            if comma:
                pieces[comma] = ""
            if not open_brackets:
                break
        comma = len(pieces) - 1 if lexeme == "," else 0
    if len(open_brackets) == 1 and _is_whole(pieces[-1]):
        pieces.append(_CLOSING[open_brackets[0]])
    whole = "".join(pieces)
    return whole if is_json(whole) else None


def _is_whole(lexeme: str) -> bool:
    """Whether nothing of it can be missing, as the digits of a number could."""
    if lexeme in ("}", "]", "true", "false", "null"):
        return True
    return len(lexeme) > 1 and lexeme[0] == lexeme[-1] == '"'
