"""Choosing a theme, shown as the highlight moves."""

from __future__ import annotations

from textual.content import Content

from app.cells import MUTED
from app.tui.fuzzy import score
from app.tui.screens.picker import PickerScreen, Row
from app.tui.themes import THEMES

__all__ = ("ThemeScreen",)


class ThemeScreen(PickerScreen[str, str]):
    """Closes with the theme's name; Escape puts back the one before."""

    def __init__(self, current: str) -> None:
        super().__init__("Theme")
        self._before = current
        self.start_at(current)

    async def rows(self, query: str) -> list[Row[str]]:
        """TensorWall's own first."""
        own = [theme.name for theme in THEMES]
        names = own + sorted(name for name in self.app.available_themes if name not in own)
        return [Row(name, Content(name), name) for name in names if score(query, name) is not None]

    async def details(self, row: Row[str]) -> Content:
        """Put the theme on and show its colours."""
        self.app.theme = row.value
        names = ("primary", "secondary", "accent", "success", "warning", "error")
        swatches = [Content.assemble(("██████ ", f"${name}"), (name, MUTED)) for name in names]
        return Content("\n").join(swatches)

    def choose(self, row: Row[str]) -> None:
        """Keep it."""
        self.dismiss(row.value)

    def action_close(self) -> None:
        """Put back the theme of before."""
        self.app.theme = self._before
        self.dismiss(None)
