"""Whether a stream is a terminal, and which colours the environment promises for it.

The environment is read here as a description of the terminal (TERM, NO_COLOR), never as a setting.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

__all__ = ("colour_depth", "is_terminal", "takes_colour")


def is_terminal(stream: TextIO | None) -> bool:
    """Whether ``stream`` is open and a terminal."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def takes_colour(stream: TextIO | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to style text on ``stream``: a terminal, not a dumb one, and NO_COLOR unset.

    https://no-color.org: any non-empty value turns colour off.
    """
    from app.cli.terminal import is_terminal

    return is_terminal(stream) and colour_depth(environment) > 0


def colour_depth(environment: Mapping[str, str] = os.environ) -> int:
    """How many colours the environment promises: 0, 8, 256 or 16 777 216."""
    term = environment.get("TERM", "")
    if environment.get("NO_COLOR") or term == "dumb" or (not term and os.name != "nt"):
        return 0
    if environment.get("COLORTERM") in ("truecolor", "24bit") or term.endswith("-direct") or os.name == "nt":
        return 1 << 24
    return 256 if "256" in term or "kitty" in term else 8
