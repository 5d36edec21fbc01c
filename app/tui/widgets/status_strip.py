"""Two fixed rows under the composer: what is happening, how fast, and what it costs."""

from __future__ import annotations

from textual.reactive import reactive

from app.tui.fitting import Span
from app.tui.status_line import Status, lines
from app.tui.widgets.toned_line import TonedLine

__all__ = ("StatusStrip",)


class StatusStrip(TonedLine):
    """Shows a ``Status``; setting it repaints two rows and never causes a layout."""

    DEFAULT_CSS = """
    StatusStrip {
        height: 2;
        min-height: 2;
        padding: 0 1;
        background: $background;
    }
    """

    status: reactive[Status] = reactive(Status())
    """What is shown; compared by value, so that an unchanged reading paints nothing."""

    def spans(self, y: int, width: int) -> list[Span]:
        """The first or the second line."""
        return lines(self.status, width)[min(y, 1)]
