"""Files the user attached in this session, and no others, for the model to read again and in parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import Field

from core.errors import ToolFailed
from core.tools.tool import Tool, tool

__all__ = ("AttachedFiles",)

_LARGEST = 16_000_000
"""Bytes."""


class AttachedFiles:
    """What was attached, by the name the user gave it."""

    def __init__(self) -> None:
        self._paths: dict[str, Path] = {}

    def add(self, name: str, path: Path) -> None:
        """The user attached this file; where it is now decides, whatever a link becomes later."""
        self._paths[name] = path.resolve()

    def clear(self) -> None:
        """Another session begins."""
        self._paths.clear()

    def tools(self) -> list[Tool]:
        """The tool that reads them, where there is any."""
        if not self._paths:
            return []

        @tool(effect="none")
        def read_attached_file(
            name: Annotated[str, Field(description="As the user named it.")],
            first_line: Annotated[int, Field(ge=1, description="From 1.")] = 1,
            lines: Annotated[int, Field(ge=1, le=2_000)] = 400,
        ) -> str:
            """Read lines of a text file that the user attached, as it is now."""
            return self._read(name, first_line, lines)

        told = f"{read_attached_file.description} Attached are: {', '.join(self._paths)}."
        return [replace(read_attached_file, description=told)]

    def _read(self, name: str, first: int, count: int) -> str:
        path = self._paths.get(name)
        if path is None:
            raise ToolFailed(f"The user attached no file {name}. Attached are: {', '.join(self._paths)}.")
        try:
            if path.stat().st_size > _LARGEST:
                raise ToolFailed(f"{name} is larger than {_LARGEST // 1_000_000} MB.")
            data = path.read_bytes()
        except OSError as error:
            raise ToolFailed(f"{name} cannot be read: {error.strerror}.") from None
        if b"\0" in data:
            raise ToolFailed(f"{name} is not a text file.")
        lines = data.decode(errors="replace").splitlines()
        if first > max(1, len(lines)):
            raise ToolFailed(f"{name} has {len(lines)} lines only.")
        last = min(first + count - 1, len(lines))
        return "\n".join([f"{name}, lines {first} to {last} of {len(lines)}:", *lines[first - 1 : last]])
