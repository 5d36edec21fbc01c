"""Functions the model may call: `tool` makes one of a typed Python function."""

from core.tools.tool import Effect, Tool, tool
from core.tools.toolbox import Approve, Toolbox, ToolResult, ToolSource

__all__ = ("Approve", "Effect", "Tool", "ToolResult", "ToolSource", "Toolbox", "tool")
