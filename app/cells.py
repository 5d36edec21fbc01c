"""Text in terminal cells: cutting and padding what others wrote to a column's width."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from core.safe_text import safe_text

__all__ = ("MUTED", "column", "one_line")


def one_line(text: str) -> str:
    """Untrusted text on one line, safe to show."""
    return " ".join(safe_text(text).split())


MUTED = "$foreground 60%"
"""Style of secondary text within ``Content``, where the automatic ``$text-muted`` is not known."""


def column(text: str, width: int, *, right: bool = False) -> str:
    """Text in exactly ``width`` cells; what does not fit ends in an ellipsis."""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, max(0, width - 1)).rstrip() + "…" if width else ""
    padding = " " * (width - length)
    return padding + text if right else text + padding
