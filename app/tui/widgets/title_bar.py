"""The row at the top: the conversation's title, and where help is."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from app.cells import column, one_line

__all__ = ("TitleBar",)


class TitleBar(Widget):
    """One row; repaints without layout."""

    DEFAULT_CSS = """
    TitleBar {
        height: 1;
        padding: 0 1;
        background: $background;
        & > .title--name { color: $primary; text-style: bold; }
        & > .title--text { color: $foreground; }
        & > .title--hint { color: $text-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"title--name", "title--text", "title--hint"}
    ALLOW_SELECT = False

    text: reactive[str] = reactive("")
    """The conversation's title; untrusted."""
    hint: reactive[str] = reactive("")
    """Right-aligned; dropped where the title needs the room."""

    def render_line(self, y: int) -> Strip:
        """Name, title, hint."""
        if y:
            return Strip.blank(self.content_size.width, self.rich_style)
        width = self.content_size.width
        name, title = "TensorWall", one_line(self.text)
        room = width - len(name) - 2
        hint = self.hint if room - len(self.hint) >= min(len(title), 30) + 2 else ""
        style = self.get_component_rich_style
        return Strip(
            [
                Segment(name, style("title--name")),
                Segment("  " + column(title, max(0, room - len(hint) - 2)) + "  ", style("title--text")),
                Segment(hint, style("title--hint")),
            ]
        ).adjust_cell_length(width, self.rich_style)
