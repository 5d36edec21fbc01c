"""Tools of MCP servers (https://modelcontextprotocol.io), through the official SDK: the ``mcp`` extra.

A server is a program that is started here and spoken to over its stdin and stdout, or an address. The SDK,
which takes most of a second to import, is imported when a server is enabled and tools are first wanted.
What a server says of its own tools is not relied on: each of them asks before it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from core.errors import ToolFailed
from core.tools.tool import Tool
from core.tools.user_tools import Loaded

if TYPE_CHECKING:
    from mcp import Client
    from mcp.types import Tool as ServerTool

    from core.settings import McpServerSettings

__all__ = ("McpServer",)

_CONNECT_SECONDS = 15.0
_CALL_SECONDS = 120.0
_MOST_PAGES = 20
_LONGEST_NAME = 64
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")


class McpServer:
    """One server, connected from `open` to `aclose`.

    Both ends of a connection have to be in one task, so it has a task of its own, which `aclose` ends.

    Args:
        name: what the user calls it; its tools' names begin with it.
        settings: where it is.
        log: where the server's stderr goes.
    """

    def __init__(self, name: str, settings: McpServerSettings, log: Path) -> None:
        self.name = name
        self._settings = settings
        self._log = log
        self._closing = asyncio.Event()
        self._holding: asyncio.Task[None] | None = None
        self._opened: asyncio.Future[Loaded] | None = None

    @property
    def is_opening(self) -> bool:
        """Whether it was asked for and has not answered yet."""
        return self._opened is not None and not self._opened.done()

    async def open(self) -> Loaded:
        """Connect and list the tools; what goes wrong is a problem to be told, not an error."""
        opened = self._opened = asyncio.get_running_loop().create_future()
        self._holding = asyncio.create_task(self._hold(opened), name=f"MCP server {self.name}")
        try:
            return await asyncio.shield(opened)
        except asyncio.CancelledError:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Disconnect, and end the program where one was started."""
        if self._holding is None:
            return
        self._closing.set()
        await asyncio.wait([self._holding])

    async def _hold(self, opened: asyncio.Future[Loaded]) -> None:
        """Be connected until it is closed."""
        try:
            async with contextlib.AsyncExitStack() as exits:
                mcp = await _sdk()
                async with asyncio.timeout(_CONNECT_SECONDS):
                    client = await self._connect(mcp, exits)
                    tools = await self._tools(client)
                opened.set_result(Loaded(tuple(tools)))
                await self._closing.wait()
        except TimeoutError:
            self._failed(opened, f"no answer within {_CONNECT_SECONDS:g} seconds")
        except Exception as error:  # noqa: BLE001 - the SDK's and the server's; told
            self._failed(opened, _innermost(error))

    def _failed(self, opened: asyncio.Future[Loaded], why: str) -> None:
        if not opened.done():  # else it ended after it had served
            opened.set_result(Loaded(problems=(f"The MCP server {self.name} cannot be used: {why}.",)))

    async def _connect(self, mcp: ModuleType, exits: contextlib.AsyncExitStack) -> Client:
        settings = self._settings
        if settings.url is not None:
            server: Any = settings.url
        else:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            log = exits.enter_context(self._log.open("a", encoding="utf-8"))
            parameters = mcp.StdioServerParameters(
                command=settings.command, args=settings.args, env=settings.env
            )
            server = mcp.stdio_client(parameters, errlog=log)
        client: Client = await exits.enter_async_context(mcp.Client(server))
        return client

    async def _tools(self, client: Client) -> list[Tool]:
        found: list[Tool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += [self._tool(client, each) for each in page.tools]
            cursor = page.next_cursor
            if not cursor:
                break
        return found

    def _tool(self, client: Client, described: ServerTool) -> Tool:
        name = _NOT_IN_NAMES.sub("_", f"{self.name}__{described.name}")[:_LONGEST_NAME]
        return Tool(
            name=name,
            description=described.description or described.title or described.name,
            run=partial(_call, client, described.name),
            parameters=described.input_schema,
            effect="asks",
            seconds=_CALL_SECONDS,
            origin=f"MCP server {self.name}",
        )


async def _sdk() -> ModuleType:
    try:
        return await asyncio.to_thread(import_module, "mcp")
    except ImportError:
        raise ToolFailed("its package is missing: pip install 'tensorwall[mcp]'") from None


async def _call(client: Client, name: str, arguments: dict[str, Any]) -> str:
    try:
        result = await client.call_tool(name, arguments)
    except Exception as error:
        raise ToolFailed(_innermost(error)) from error
    texts = [
        part.text if part.type == "text" else f"({part.type}, which cannot be shown to the model)"
        for part in result.content
    ]
    text = "\n".join(texts)
    if result.is_error:
        raise ToolFailed(text or "The server reports an error.")
    return text


def _innermost(error: BaseException) -> str:
    """What went wrong, out of the groups that task groups make of it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return (str(error) or type(error).__name__).rstrip(".")
