"""The two streams: results on stdout, remarks and complaints on stderr.

Writes go to the raw stream, unbuffered: text is out when the call returns, and nothing is left for
the interpreter to flush into a closed pipe at exit.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import select
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Final, TextIO

from app.cli.terminal import is_terminal, takes_colour
from core.errors import TensorWallError

__all__ = (
    "ReaderGone",
    "complain",
    "emit",
    "emit_json",
    "emit_line",
    "harmless",
    "note",
    "paint",
    "prompt",
    "unwritable",
    "writer",
)

DIM: Final = "2"
RED: Final = "31"


class ReaderGone(Exception):
    """Whoever read our stdout closed it, as ``| head`` does; there is nobody left to tell."""


def writer(stream: TextIO | None) -> Callable[[str], None]:
    """A function that writes text to ``stream`` at once; raises ``ReaderGone``, or ``OSError`` (full disk).

    Characters the stream's encoding lacks become ``?``. A stream that is closed swallows everything.
    """
    if stream is None:
        return lambda _text: None
    encoding = stream.encoding or "utf-8"
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # with PYTHONUNBUFFERED the buffer is the raw stream
    if not isinstance(raw, io.RawIOBase):  # a capture in a test or an embedding

        def write_through(text: str) -> None:
            stream.write(text)
            stream.flush()

        return write_through

    def write(text: str) -> None:
        left = memoryview(text.encode(encoding, "replace"))
        try:
            while left:
                written = raw.write(left)
                if written is None:  # a neighbour on this terminal made it non-blocking
                    select.select([], [raw], [])
                else:
                    left = left[written:]
        except OSError as error:
            no_reader = errno.EINVAL if os.name == "nt" else errno.EPIPE
            if error.errno in (errno.EPIPE, no_reader):
                raise ReaderGone from None
            raise

    return write


def harmless(text: str) -> str:
    """``text`` with nothing in it that acts on a terminal: ``core.safe_text``, imported when needed."""
    from core.safe_text import safe_text

    return safe_text(text)


def emit(text: str) -> None:
    """Write one result and a line end to stdout; on a terminal nothing in it acts on the terminal.

    Raises:
        ReaderGone: stdout was closed by its reader.
        TensorWallError: stdout could not be written, as on a full disk.
    """
    emit_line(harmless(text) if is_terminal(sys.stdout) else text)


def emit_line(line: str) -> None:
    """Write a line, harmless already, to stdout; raises as ``emit``."""
    try:
        writer(sys.stdout)(line + "\n")
    except OSError as error:
        raise unwritable(error) from None


def unwritable(error: OSError) -> TensorWallError:
    """The error for a stdout that takes nothing, as on a full disk."""
    return TensorWallError(f"stdout cannot be written: {error.strerror}.")


def emit_json(value: object) -> None:
    """Write ``value`` to stdout as JSON, for programs."""
    emit(json.dumps(value, ensure_ascii=False, indent=2, default=_as_text))


def _as_text(value: object) -> str:
    """What JSON has no form for: times as ISO 8601, money as its digits."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def paint(text: str, code: str, stream: TextIO | None) -> str:
    """``text`` in an SGR style where ``stream`` is a terminal that takes colours."""
    return f"\x1b[{code}m{text}\x1b[0m" if takes_colour(stream) else text


def note(text: str) -> None:
    """Write one dim line to stderr."""
    _to_stderr(paint(harmless(text), DIM, sys.stderr))


def prompt(text: str) -> None:
    """Write a question to stderr, without a line end: what is typed follows it."""
    with contextlib.suppress(ReaderGone, OSError):
        writer(sys.stderr)(harmless(text))


def complain(text: str, *, hint: str = "", label: str = "tensorwall: ") -> None:
    """Write what went wrong to stderr, and below it what to do."""
    _to_stderr(paint(label, RED, sys.stderr) + harmless(text))
    if hint:
        _to_stderr(paint(harmless(hint), DIM, sys.stderr))


def _to_stderr(line: str) -> None:
    with contextlib.suppress(ReaderGone, OSError):  # nobody listens; the exit status still tells
        writer(sys.stderr)(line + "\n")
