"""The tools of this session: which there are, and which the model may call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from textual.content import Content

from app.cells import MUTED, column
from app.tui.fuzzy import score
from app.tui.screens.picker import PickerScreen, Row
from core.safe_text import safe_text

if TYPE_CHECKING:
    from core.tools import Tool
    from core.tools.session_tools import SessionTools

__all__ = ("ToolsScreen",)


class ToolsScreen(PickerScreen["Tool", None]):
    """Enter switches the highlighted tool on or off, until the program ends."""

    HINT = "Enter on/off   Esc close"
    EMPTY = "There are no tools."

    def __init__(self, tools: SessionTools) -> None:
        super().__init__("Tools the model may call")
        self._tools = tools

    async def rows(self, query: str) -> list[Row[Tool]]:
        """Every tool, on or off."""
        found = [each for each in await self._tools.all_tools() if score(query, each.name) is not None]
        return [Row(each.name, self._row(each), each) for each in found]

    def _row(self, tool: Tool) -> Content:
        on = self._tools.on is not False and self._tools.is_on(tool)
        return Content.assemble(("on   ", "$success") if on else ("off  ", MUTED), column(tool.name, 40))

    async def details(self, row: Row[Tool]) -> Content:
        """What it is for, where it comes from, what it takes, and what could not be loaded."""
        tool = row.value
        asks = "Asks before it runs." if tool.effect == "asks" else "Runs without asking."
        parameters = json.dumps(tool.parameters.get("properties", {}), indent=2, ensure_ascii=False)
        lines = [
            Content.styled(tool.name, "bold $primary"),
            Content(safe_text(tool.description)),
            Content(""),
            Content.styled(f"{asks} From: {safe_text(tool.origin)}.", MUTED),
            Content(safe_text(parameters)),
        ]
        problems = [Content.styled(safe_text(problem), "$error") for problem in await self._tools.problems()]
        return Content("\n").join([*lines, *problems])

    def choose(self, row: Row[Tool]) -> None:
        """Switch it."""
        self._tools.on = None if self._tools.on is False else self._tools.on
        self._tools.switch(row.value.name, not self._tools.is_on(row.value))
        self.reload()
