"""Copying to the clipboard by the route that works here, with honest words about the result.

A native tool on the same machine is verifiable, so it goes first. Over SSH it would reach the
wrong machine, and where there is none, the terminal is asked with OSC 52, which no terminal
confirms. tmux and screen need the sequence wrapped, and many terminals drop long ones.
"""

from __future__ import annotations

import asyncio
import base64
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from app.figures import data_size
from app.terminal import Terminal

__all__ = ("Clipboard", "CopyResult", "native_command", "osc52")

_OSC52_LIMIT = 74_994
"""Bytes of text: xterm's and tmux's usual 100 000-byte limit, before base64 adds a third."""

_TOOL_TIMEOUT = 3.0


@dataclass(frozen=True, slots=True)
class CopyResult:
    """How a copy went, in words for the user; ``sure`` is false where nothing confirms it."""

    copied: bool
    sure: bool
    message: str


def native_command(
    terminal: Terminal, *, platform: str, which: Callable[[str], str | None]
) -> list[str] | None:
    """The command that takes the clipboard's new text on its standard input, or ``None``."""
    candidates: list[list[str]] = []
    if platform == "darwin":
        candidates.append(["pbcopy"])
    if platform == "win32":
        candidates.append(["clip.exe"])
    if terminal.wayland:
        candidates.append(["wl-copy"])
    if terminal.x11:
        candidates += [["xclip", "-selection", "clipboard"], ["xsel", "--clipboard", "--input"]]
    if platform.startswith("linux"):
        candidates.append(["clip.exe"])  # WSL
    for command in candidates:
        if path := which(command[0]):
            return [path, *command[1:]]
    return None


def osc52(text: str, *, multiplexer: str = "") -> str | None:
    """The escape sequence that asks the terminal to copy, or ``None`` where it is too long."""
    data = text.encode("utf-8", "replace")
    if len(data) > _OSC52_LIMIT:
        return None
    sequence = f"\x1b]52;c;{base64.b64encode(data).decode('ascii')}\x07"
    if multiplexer == "tmux":
        return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if multiplexer == "screen":
        return f"\x1bP{sequence}\x1b\\"
    return sequence


class Clipboard:
    """Copies text; ``write`` sends raw bytes of text to the terminal.

    ``text`` is what was copied last, for pasting inside the app.
    """

    def __init__(self, terminal: Terminal, write: Callable[[str], None]) -> None:
        self._terminal = terminal
        self._write = write
        self.text = ""

    async def copy(self, text: str, *, what: str = "text") -> CopyResult:
        """Copy ``text``; ``what`` names it in the result's message."""
        self.text = text
        if not self._terminal.remote:
            command = native_command(self._terminal, platform=sys.platform, which=shutil.which)
            if command and await _feed(command, text):
                return CopyResult(True, True, f"Copied {what}.")
        sequence = osc52(text, multiplexer=self._terminal.multiplexer)
        if sequence is None:
            size = data_size(len(text.encode("utf-8", "replace")))
            return CopyResult(
                False,
                True,
                f"Not copied: {size} is more than a terminal accepts. Use /export, or install xclip.",
            )
        self._write(sequence)
        return CopyResult(True, False, f"Sent {what} to the terminal's clipboard.")


async def _feed(command: list[str], text: str) -> bool:
    """Run a clipboard tool; some stay alive to serve the selection, so its output is not held open."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return False
    encoding = "utf-16-le" if command[0].endswith("clip.exe") else "utf-8"
    try:
        async with asyncio.timeout(_TOOL_TIMEOUT):
            await process.communicate(text.encode(encoding, "replace"))
    except TimeoutError:
        process.kill()
        await process.wait()
        return False
    return process.returncode == 0
