"""An MCP server made with the SDK: over stdin and stdout, or over HTTP where it is given a port."""

from __future__ import annotations

import os
import sys

from mcp.server import MCPServer

server = MCPServer("test")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


@server.tool(name="says.who")
def environment(name: str) -> str:
    """Tell an environment variable."""
    return os.environ.get(name, "unset")


@server.tool()
def fails() -> str:
    """Fail."""
    raise RuntimeError("it is broken")


@server.tool()
def dies() -> str:
    """End the whole server."""
    os._exit(3)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
    else:
        print("a line on stderr", file=sys.stderr)
        server.run("stdio")
