"""Calls of tools, and the servers of tools, in words; imports nothing, since the first paint needs it."""

from __future__ import annotations

import json
from collections.abc import Sequence

__all__ = ("call_in_words", "decoded", "one_line_of", "servers_in_words")

_LONGEST_ARGUMENTS = 100


def call_in_words(name: str, arguments: str, longest: int = _LONGEST_ARGUMENTS) -> str:
    """A call on one line, as one would write it: ``calculate(expression="2 + 2")``."""
    given = decoded(arguments)
    if isinstance(given, dict):
        written = ", ".join(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in given.items())
    else:
        written = arguments
    return f"{name}({one_line_of(written, longest)})"


def one_line_of(text: str, longest: int) -> str:
    """A text on one line of at most so many characters."""
    line = " ".join(text[: 4 * longest].split())
    return line if len(line) <= longest and len(text) <= 4 * longest else f"{line[: longest - 1]}…"


def servers_in_words(names: Sequence[str]) -> str:
    """MCP servers by their names: ``the MCP servers files and github``."""
    *others, last = names
    return f"the MCP servers {', '.join(others)} and {last}" if others else f"the MCP server {last}"


def decoded(arguments: str) -> object:
    """Arguments as values where they are JSON, else as they are."""
    try:
        return json.loads(arguments or "{}")
    except ValueError:
        return arguments
