"""Rows of toned text that repaint without layout."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from app.tui.fitting import Span

__all__ = ("TonedLine",)


class TonedLine(Widget):
    """Subclasses give the ``spans`` of each row; here they get the theme's colours."""

    DEFAULT_CSS = """
    TonedLine {
        color: $foreground;
        & > .tone--plain { color: $foreground; }
        & > .tone--dim { color: $text-muted; }
        & > .tone--strong { color: $foreground; text-style: bold; }
        & > .tone--good { color: $success; }
        & > .tone--busy { color: $primary; text-style: bold; }
        & > .tone--warning { color: $warning; }
        & > .tone--error { color: $error; text-style: bold; }
        & > .tone--badge { background: $warning; color: $background; text-style: bold; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "tone--plain",
        "tone--dim",
        "tone--strong",
        "tone--good",
        "tone--busy",
        "tone--warning",
        "tone--error",
        "tone--badge",
    }

    ALLOW_SELECT = False

    def spans(self, y: int, width: int) -> list[Span]:
        """The text of one row, at most ``width`` cells wide."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """One row, padded to the width."""
        width = self.content_size.width
        segments = [
            Segment(span.text, self.get_component_rich_style(f"tone--{span.tone}"))
            for span in self.spans(y, width)
        ]
        return Strip(segments).adjust_cell_length(width, self.rich_style)
