"""What is known of the terminal and desktop around the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ("Terminal",)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Facts read once from the environment by the entry point and passed in.

    Attributes:
        remote: over SSH, so that native clipboard tools would reach the wrong machine.
        multiplexer: ``tmux``, ``screen`` or empty.
        wayland: a Wayland display is there.
        x11: an X display is there.
        editor: the user's editor command, or empty.
    """

    remote: bool = False
    multiplexer: str = ""
    wayland: bool = False
    x11: bool = False
    editor: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Terminal:
        """Read the facts from an environment such as ``os.environ``."""
        has = environment.get
        multiplexer = "tmux" if has("TMUX") else "screen" if has("STY") else ""
        return cls(
            remote=bool(has("SSH_CONNECTION") or has("SSH_TTY")),
            multiplexer=multiplexer,
            wayland=bool(has("WAYLAND_DISPLAY")),
            x11=bool(has("DISPLAY")),
            editor=has("VISUAL") or has("EDITOR") or "",
        )
