"""Tools on the command line: which there are, and asking before one that has an effect."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.call_words import call_in_words
from app.cli.output import note, prompt
from app.cli.terminal import is_terminal
from core.tools.session_tools import SessionTools

if TYPE_CHECKING:
    from app.composition import Services
    from core.chat import ToolCall

__all__ = ("Permission", "session_tools")


def session_tools(
    services: Services, *, on: bool | None, allow: bool, files: Sequence[Path] = ()
) -> SessionTools:
    """The tools of one run.

    Args:
        services: where tools are installed.
        on: whether any are offered; ``None`` leaves it to the settings.
        allow: let the model call what has an effect without asking.
        files: what the user attached.
    """
    tools = SessionTools(services.tools, Permission(allow=allow), on=on)
    for path in files:
        tools.attached.add(str(path), path)
    return tools


class Permission:
    """Asks on the terminal whether a call may run; where nobody can be asked, it may not.

    Args:
        allow: every call may, without asking.
    """

    def __init__(self, *, allow: bool) -> None:
        self._allow = allow
        self._always: set[str] = set()
        self._told = False

    async def __call__(self, call: ToolCall) -> bool:
        """Whether the user lets this call run."""
        name = call.function.name
        if self._allow or name in self._always:
            return True
        if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
            if not self._told:  # once: that a call was refused is told with its result
                note("nobody can be asked here whether a tool may run. --allow-tools allows such calls.")
                self._told = True
            return False
        words = call_in_words(name, call.function.arguments, longest=400)
        prompt(f"\nThe model wants to call {words}. Allow it? [y]es, [a]lways, [N]o ")
        answer = (await _line()).strip().casefold()
        if answer in {"a", "always"}:
            self._always.add(name)
        return answer in {"y", "yes", "a", "always"}


async def _line() -> str:
    """A line of stdin; waiting for it can be cancelled. Windows lets nobody wait for its console."""
    if os.name == "nt":
        return await asyncio.to_thread(sys.stdin.readline)
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        if not line.done():
            line.set_result(os.read(descriptor, 4096).decode(errors="replace"))

    loop.add_reader(descriptor, readable)
    try:
        return await line
    finally:
        loop.remove_reader(descriptor)
