"""MCP servers, each a real one in a process of its own, made with the official SDK."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import ToolFailed
from core.settings import McpServerSettings, ToolSettings
from core.tools import Tool
from core.tools.mcp import McpServer
from core.tools.session_tools import InstalledTools

SERVER = Path(__file__).with_name("mcp_server.py")
STDIO = McpServerSettings(command=sys.executable, args=[str(SERVER)], env={"COLOUR": "blue"}, enabled=True)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[McpServer]:
    server = McpServer("test", STDIO, tmp_path / "logs" / "mcp.log")
    yield server
    await server.aclose()


def by_name(tools: tuple[Tool, ...]) -> dict[str, Tool]:
    return {tool.name: tool for tool in tools}


async def test_a_server_s_tools_are_called(
    server: McpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_secret")
    loaded = await server.open()
    assert loaded.problems == ()
    tools = by_name(loaded.tools)
    assert list(tools) == ["test__add", "test__says_who", "test__fails", "test__dies"]
    add = tools["test__add"]
    assert (add.description, add.effect, add.origin) == (
        "Add two whole numbers.",
        "asks",
        "MCP server test",
    )
    assert add.definition.function.parameters["required"] == ["a", "b"]
    assert await add.run({"a": 2, "b": 40}) == "42"
    assert await tools["test__says_who"].run({"name": "COLOUR"}) == "blue"
    assert await tools["test__says_who"].run({"name": "GROQ_API_KEY"}) == "unset"
    assert "a line on stderr" in (tmp_path / "logs" / "mcp.log").read_text()
    with pytest.raises(ToolFailed, match="Error executing tool fails"):
        await tools["test__fails"].run({})
    with pytest.raises(ToolFailed):
        await add.run({"a": "many"})


async def test_a_server_that_dies_is_told(server: McpServer) -> None:
    tools = by_name((await server.open()).tools)
    for name in ("test__dies", "test__add"):
        with pytest.raises(ToolFailed):
            await tools[name].run({"a": 1, "b": 2})


async def test_over_http(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SERVER),
        str(port),
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stderr is not None
        while b"running on" not in (line := await process.stderr.readline()):
            assert line, "the server did not start"
        settings = McpServerSettings(url=f"http://127.0.0.1:{port}/mcp", enabled=True)
        server = McpServer("web", settings, tmp_path / "mcp.log")
        loaded = await server.open()
        assert loaded.problems == ()
        assert await by_name(loaded.tools)["web__add"].run({"a": 1, "b": 2}) == "3"
        await server.aclose()
    finally:
        process.kill()
        await process.communicate()


async def test_servers_that_cannot_be_had_stop_nothing(tmp_path: Path) -> None:
    mcp = {
        "missing": McpServerSettings(command="/no/such/program", enabled=True),
        "silent": McpServerSettings(command=sys.executable, args=["-c", "pass"], enabled=True),
        "off": McpServerSettings(command="/no/such/program"),
        "good": STDIO,
    }
    installed = InstalledTools(ToolSettings(mcp=mcp), tmp_path / "tools", tmp_path / "logs")
    loaded = await installed()
    try:
        assert {"calculate", "clock", "good__add"} <= {tool.name for tool in loaded.tools}
        assert [problem.partition(" cannot")[0] for problem in loaded.problems] == [
            "The MCP server missing",
            "The MCP server silent",
        ]
    finally:
        await installed.aclose()


async def test_nothing_of_the_sdk_is_imported_where_no_server_is_enabled(tmp_path: Path) -> None:
    probe = """
import asyncio, sys
from pathlib import Path
from core.settings import ToolSettings
from core.tools.session_tools import InstalledTools
loaded = asyncio.run(InstalledTools(ToolSettings(), Path("none"), Path("none"))())
assert [tool.name for tool in loaded.tools] == ["calculate", "clock"], loaded
print(sorted({"mcp", "simpleeval", "sqlalchemy", "httpx"} & set(sys.modules)))
"""
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-c", probe, stdout=asyncio.subprocess.PIPE, cwd=SERVER.parents[3]
    )
    out, _ = await done.communicate()
    assert out.decode().strip() == "[]"
