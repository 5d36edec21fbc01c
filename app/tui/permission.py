"""Whether the model may call what has an effect: asked each time, or once for the session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.tui.stage import Leave
    from core.chat import ToolCall

__all__ = ("Permission",)


class Permission:
    """A ``core.tools.Approve`` that remembers what may always be called.

    Args:
        ask: asks the user.
    """

    def __init__(self, ask: Callable[[ToolCall], Awaitable[Leave]]) -> None:
        self._ask = ask
        self._always: set[str] = set()

    async def __call__(self, call: ToolCall) -> bool:
        """Whether this call may run."""
        name = call.function.name
        if name in self._always:
            return True
        leave = await self._ask(call)
        if leave == "always":
            self._always.add(name)
        return leave != "no"

    def forget(self) -> None:
        """Another session: ask again."""
        self._always.clear()
