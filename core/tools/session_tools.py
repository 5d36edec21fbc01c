"""The tools of one conversation: which there are, which are on, and what was attached."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from core.tools.attached_files import AttachedFiles
from core.tools.printing import prints_to_stderr
from core.tools.tool import BUILT_IN, Tool
from core.tools.tool_thread import in_own_thread
from core.tools.toolbox import Approve, Toolbox, deny
from core.tools.user_tools import Loaded

if TYPE_CHECKING:
    from core.settings import ToolSettings
    from core.tools.mcp import McpServer

__all__ = ("InstalledTools", "SessionTools")


class InstalledTools:
    """The tools there are on this machine, loaded when they are first wanted, once for everybody who asks.

    Args:
        settings: the ``tools`` section.
        folder: the user's own tools; may be missing.
        logs: where the stderr of MCP servers goes.

    Attributes:
        settings: may be replaced at any time; MCP servers stay as they were first wanted.
    """

    def __init__(self, settings: ToolSettings, folder: Path, logs: Path) -> None:
        self.settings = settings
        self._folder = folder
        self._logs = logs
        self._servers: list[McpServer] = []
        self._loading: asyncio.Task[Loaded] | None = None

    @property
    def are_loaded(self) -> bool:
        """Whether asking for them takes no time."""
        loading = self._loading
        return loading is not None and loading.done() and not loading.cancelled() and not loading.exception()

    async def __call__(self) -> Loaded:
        """The tools, and what could not be loaded."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._load(), name="load tools")
        return await asyncio.shield(self._loading)  # one who stops waiting does not stop the others

    @property
    def awaited_servers(self) -> tuple[str, ...]:
        """The MCP servers that have not answered yet, so that the first request waits for them."""
        return tuple(server.name for server in self._servers if server.is_opening)

    async def aclose(self) -> None:
        """Disconnect the servers."""
        if self._loading is not None and not self._loading.done():
            self._loading.cancel()
            await asyncio.wait([self._loading])
        async with asyncio.TaskGroup() as group:
            for server in self._servers:
                group.create_task(server.aclose())

    async def _load(self) -> Loaded:
        loaded = _each_name_once(await in_own_thread(self._from_files, "load tools"))
        enabled = {name: server for name, server in self.settings.mcp.items() if server.enabled}
        if enabled:
            from core.tools.mcp import McpServer

            self._servers = [
                McpServer(name, server, self._logs / f"mcp-{name}.log") for name, server in enabled.items()
            ]
            async with asyncio.TaskGroup() as group:
                opening = [group.create_task(server.open()) for server in self._servers]
            for task in opening:
                loaded += task.result()
        return loaded

    def _from_files(self) -> Loaded:
        from core.tools.calculate import calculate
        from core.tools.clock import clock
        from core.tools.user_tools import load_folder, load_packages

        with prints_to_stderr():
            return Loaded((calculate, clock)) + load_folder(self._folder) + load_packages()


def _each_name_once(loaded: Loaded) -> Loaded:
    """Without the tools whose name an earlier one has, each told as a problem."""
    kept: dict[str, Tool] = {}
    problems = list(loaded.problems)
    for each in loaded.tools:
        first = kept.setdefault(each.name, each)
        if first is not each:
            whose = first.origin if first.origin == BUILT_IN else f"of {first.origin}"
            problems.append(f"{each.origin}: {each.name} is left out: a tool {whose} has that name.")
    return Loaded(tuple(kept.values()), tuple(problems))


class SessionTools:
    """What the model may call in a conversation; a ``ToolSource``.

    Args:
        installed: the tools there are.
        approve: asks the user before a call with an effect.
        on: ``False`` offers none; ``True`` offers them also to models that are not known to call any;
            ``None`` leaves that to the settings.

    Attributes:
        attached: the files the user attached.
    """

    def __init__(self, installed: InstalledTools, approve: Approve = deny, *, on: bool | None = None) -> None:
        self.attached = AttachedFiles()
        self.on = on
        self._installed = installed
        self._approve = approve
        self._switched: dict[str, bool] = {}
        self._told: set[str] = set()

    async def __call__(self, *, known: bool = True) -> Toolbox:
        """The tools that are on, and what could not be loaded, told once.

        Args:
            known: the model is known to call tools, else it depends on the settings.
        """
        settings = self._installed.settings
        if not self._are_wanted(known=known):
            return Toolbox()  # and nothing is loaded
        problems = (await self._installed()).problems
        new = [problem for problem in problems if problem not in self._told]
        self._told.update(new)
        return Toolbox(
            [each for each in await self.all_tools() if self.is_on(each)],
            approve=self._approve,
            steps=settings.steps,
            problems=new,
        )

    async def loaded(self, *, known: bool = True) -> Toolbox:
        """As calling it, but nothing is loaded for it, and nothing is told."""
        if not self._installed.are_loaded or not self._are_wanted(known=known):
            return Toolbox()
        return Toolbox([each for each in await self.all_tools() if self.is_on(each)], approve=self._approve)

    def _are_wanted(self, *, known: bool) -> bool:
        settings = self._installed.settings
        if self.on is False or not settings.enabled:
            return False
        return bool(known or self.on or settings.unknown_models)

    async def all_tools(self) -> Sequence[Tool]:
        """Those that are on and those that are not."""
        tools = [*(await self._installed()).tools, *self.attached.tools()]
        if self._installed.settings.fetch:
            from core.tools.fetch import fetch_tool

            tools.append(fetch_tool())
        return tools

    async def problems(self) -> Sequence[str]:
        """What could not be loaded."""
        return (await self._installed()).problems

    def is_on(self, tool: Tool) -> bool:
        """Whether the model may call it: by the settings, unless it was switched since."""
        chosen = any(fnmatchcase(tool.name, pattern) for pattern in self._installed.settings.enabled)
        return self._switched.get(tool.name, chosen)

    def switch(self, name: str, on: bool) -> None:
        """Let the model call it, or not, until the program ends."""
        self._switched[name] = on
