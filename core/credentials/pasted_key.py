"""The API key within what a person pasted or exported."""

from __future__ import annotations

import re

from core.errors import InputError

__all__ = ("ENCLOSING", "clean_api_key")

ENCLOSING = (
    " \t\r\n\v\f\"'`"
    "\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE}\N{ZERO WIDTH NO-BREAK SPACE}"
    "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"
    "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}"
)
"""What stands around a key or an address that was copied, and is no part of it."""

_LONGEST_KEY = 4096
_WRAPPING = re.compile(
    r"(?:export\s+|set\s+|\$env:)?[A-Z][A-Z0-9]*_[A-Z0-9_]*\s*=\s*(?=\S)"  # GROQ_API_KEY=
    r"|(?i:(?:authorization\s*:\s*)?bearer\s+)"
)


def clean_api_key(text: str) -> str:
    """The key within what a person pasted: quotes, ``NAME=`` and ``Bearer`` around it are dropped.

    Raises:
        InputError: what is left cannot be a key; the message never repeats it.
    """
    key = text.strip(ENCLOSING)
    while wrapping := _WRAPPING.match(key):
        key = key[wrapping.end() :].strip(ENCLOSING)
    if not key:
        raise InputError("The key is empty.", hint="Paste the key itself.")
    if "\n" in key or "\r" in key:
        raise InputError("The key runs over several lines.", hint="Paste one key, on one line.")
    if "..." in key or "*" in key or "…" in key or "•" in key:
        raise InputError("The key is shortened or masked.", hint="Copy the whole key where it was created.")
    if any(not "!" <= character <= "~" for character in key):
        raise InputError(
            "The key holds a space or a character that no key has.", hint="Copy it again, alone."
        )
    if len(key) > _LONGEST_KEY:
        raise InputError(f"The key is longer than {_LONGEST_KEY} characters.", hint="Paste the key alone.")
    return key
