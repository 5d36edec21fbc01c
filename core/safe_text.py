"""Text that is safe to show, copy and speak: nothing in it acts on a terminal or reorders it.

What models, tools and files write is untrusted. A raw escape could rewrite the screen or the
clipboard (OSC 52), and bidirectional overrides make text read differently from what is copied
(https://trojansource.codes).
"""

from __future__ import annotations

__all__ = ("safe_text",)

_KEPT_CONTROLS = {"\n", "\t"}
_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_INTERLINEAR = range(0xFFF9, 0xFFFC)
_TAGS = range(0xE0000, 0xE0080)
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = {
        code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in _KEPT_CONTROLS
    }
    table[0x7F] = "\N{SYMBOL FOR DELETE}"
    table |= dict.fromkeys(range(0x80, 0xA0), _REPLACEMENT)
    table |= dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT)
    table |= dict.fromkeys((*_BIDI, *_INTERLINEAR, *_TAGS), None)
    table |= dict.fromkeys((0x2028, 0x2029), "\n")
    table[0x0D] = None
    return table


_TABLE = _table()


def safe_text(text: str) -> str:
    """Replace control characters by visible pictures and drop invisible reordering marks.

    Newlines and tabs stay; carriage returns go, so that CRLF becomes a newline. The result of a
    piece does not depend on its neighbours: cleaning pieces and joining equals cleaning the whole.
    """
    if text.isascii() and text.isprintable():
        return text
    return text.translate(_TABLE)
