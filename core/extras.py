"""Extras of TensorWall's own: how one that is missing is added to this installation."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ("install_command",)


def install_command(extra: str) -> str:
    """The command that adds an extra of ours to this installation."""
    root = Path(__file__).parents[1]
    if (root / "Makefile").is_file() and (root / "pyproject.toml").is_file():
        return f"{sys.executable} -m pip install -e '{root}[{extra}]'"
    prefix = Path(sys.prefix).parts
    if "pipx" in prefix:
        return f"pipx install --force 'tensorwall[{extra}]'"
    if "uv" in prefix and "tools" in prefix:
        return f"uv tool install --force 'tensorwall[{extra}]'"
    return f"{sys.executable} -m pip install 'tensorwall[{extra}]'"
