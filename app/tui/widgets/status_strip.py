"""Two fixed rows under the composer: what is happening, how fast, and what it costs."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from app.tui.status_line import Status, lines

__all__ = ("StatusStrip",)


class StatusStrip(Widget):
    """Shows a ``Status``; setting it repaints two rows and never causes a layout."""

    DEFAULT_CSS = """
    StatusStrip {
        height: 2;
        min-height: 2;
        padding: 0 1;
        background: $background;
        color: $foreground;
        & > .status--plain { color: $foreground; }
        & > .status--dim { color: $text-muted; }
        & > .status--strong { color: $foreground; text-style: bold; }
        & > .status--good { color: $success; }
        & > .status--busy { color: $primary; text-style: bold; }
        & > .status--warning { color: $warning; }
        & > .status--error { color: $error; text-style: bold; }
        & > .status--badge { background: $warning; color: $background; text-style: bold; }
    }
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "status--plain",
        "status--dim",
        "status--strong",
        "status--good",
        "status--busy",
        "status--warning",
        "status--error",
        "status--badge",
    }

    ALLOW_SELECT = False

    status: reactive[Status] = reactive(Status())
    """What is shown; compared by value, so that an unchanged reading paints nothing."""

    def render_line(self, y: int) -> Strip:
        """One row, cut to the width."""
        spans = lines(self.status, self.content_size.width)[min(y, 1)]
        segments = [
            Segment(span.text, self.get_component_rich_style(f"status--{span.tone}")) for span in spans
        ]
        return Strip(segments).adjust_cell_length(self.content_size.width, self.rich_style)
