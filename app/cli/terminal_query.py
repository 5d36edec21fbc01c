"""What the terminal says when it is asked what it can do, for what the environment cannot know."""

from __future__ import annotations

import os
import re
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ("TerminalAnswer", "ask_terminal")

_QUERY_TIME = 0.5
"""Seconds; a terminal answers in milliseconds, over a slow SSH line in a few hundred."""

# Ask for key releases, ask what was granted, put it back; then ask for the device attributes, which
# every terminal answers, so that silence about keys is known without waiting for the time-out.
# https://sw.kovidgoyal.net/kitty/keyboard-protocol/#detection-of-support-for-this-protocol
_QUESTION = b"\x1b[>2u\x1b[?u\x1b[<u\x1b[c"
_KEY_FLAGS = re.compile(rb"\x1b\[\?(\d+)u")
_DEVICE_ATTRIBUTES = re.compile(rb"\x1b\[\?[\d;]*c")
_REPORT_EVENT_TYPES = 2


@dataclass(frozen=True, slots=True)
class TerminalAnswer:
    """What the terminal said of itself.

    Attributes:
        answered: it answered at all.
        key_releases: it reports when a key is let go, so that hold-to-talk is exact.
    """

    answered: bool = False
    key_releases: bool = False


def ask_terminal(timeout: float = _QUERY_TIME) -> TerminalAnswer:
    """Ask the terminal on stdin and stdout what it can do; takes at most ``timeout`` seconds."""
    try:
        with _raw_mode(sys.stdin.fileno()) as descriptor:
            os.write(sys.stdout.fileno(), _QUESTION)
            reply = _read_reply(descriptor, timeout)
    except (ImportError, OSError, ValueError, AttributeError):  # Windows, or no terminal there
        return TerminalAnswer()
    flags = _KEY_FLAGS.search(reply)
    return TerminalAnswer(
        answered=bool(reply),
        key_releases=flags is not None and bool(int(flags[1]) & _REPORT_EVENT_TYPES),
    )


def _read_reply(descriptor: int, timeout: float) -> bytes:
    reply = b""
    ends = time.monotonic() + timeout
    while not _DEVICE_ATTRIBUTES.search(reply):
        left = ends - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            break
        piece = os.read(descriptor, 1024)
        if not piece:
            break
        reply += piece
    return reply


@contextmanager
def _raw_mode(descriptor: int) -> Iterator[int]:
    """The terminal without echo and line editing, so that its answer reaches us and not the screen."""
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor, termios.TCSANOW)
        yield descriptor
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
