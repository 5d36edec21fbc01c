"""One answer on its way to stdout."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sys
import threading
from collections.abc import Callable

from app.cli.output import DIM, ReaderGone, harmless, paint, unwritable, writer
from app.cli.terminal import is_terminal

__all__ = ("AnswerOutput",)

_LEAVE_AFTER = 1.0
"""Seconds an interrupted command waits for a reader that does not read."""


class AnswerOutput:
    """Writes an answer as it arrives, and remarks between, each where it belongs.

    A thread of its own does the writing: a reader that pauses (``| less``, a terminal stopped with
    Ctrl-S) must not hold up the network, and pieces that arrive during one write leave in the next.
    On a terminal the text is made harmless first; a pipe or a file gets it as the model wrote it.

    Args:
        stopped: called when nothing more can be written, as when the reader has closed stdout.
    """

    def __init__(self, *, stopped: Callable[[], object]) -> None:
        self._on_terminal = is_terminal(sys.stdout)
        self._same_screen = self._on_terminal and is_terminal(sys.stderr)
        self._pieces: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._line_open = False
        self._stopped = stopped
        self._failure: ReaderGone | OSError | None = None
        self._loop = asyncio.get_running_loop()
        self._done = asyncio.Event()
        threading.Thread(target=self._run, name="answer-output", daemon=True).start()

    @property
    def broken(self) -> bool:
        """Whether nothing more can be written."""
        return self._failure is not None

    def text(self, piece: str) -> None:
        """A piece of the answer."""
        self._pieces.put(harmless(piece) if self._on_terminal else piece)

    def remark(self, line: str) -> None:
        """A dim line on stderr; on one screen with the answer it never breaks into a line of it."""
        self._pieces.put(_Remark(paint(harmless(line), DIM, sys.stderr) + "\n"))

    async def finish(self) -> None:
        """End the answer's last line and wait until everything is written.

        Raises:
            ReaderGone: stdout was closed by its reader.
            TensorWallError: stdout could not be written, as on a full disk.
        """
        self._pieces.put(None)
        await self._done.wait()
        if isinstance(self._failure, OSError):
            raise unwritable(self._failure) from None
        if self._failure:
            raise self._failure

    async def abandon(self) -> None:
        """As ``finish``, but leaves without the rest if the reader does not take it soon."""
        self._pieces.put(None)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LEAVE_AFTER):
                await self._done.wait()

    def _run(self) -> None:
        try:
            self._write()
        except (ReaderGone, OSError) as error:
            self._failure = error
            self._tell(self._stopped)
        finally:
            self._tell(self._done.set)

    def _tell(self, call: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: we were left behind
            self._loop.call_soon_threadsafe(call)

    def _write(self) -> None:
        out, err = writer(sys.stdout), writer(sys.stderr)
        done = False
        while not done:
            text, remark, done = self._next()
            if text:
                out(text)
                self._line_open = not text.endswith("\n")
            if self._line_open and (done or (remark and self._same_screen)):
                out("\n")
                self._line_open = False
            if remark:
                with contextlib.suppress(ReaderGone, OSError):
                    err(remark)

    def _next(self) -> tuple[str, str, bool]:
        """Wait for a piece; all the text that is there, up to a remark or the end."""
        texts: list[str] = []
        piece = self._pieces.get()
        while isinstance(piece, str) and not isinstance(piece, _Remark):
            texts.append(piece)
            try:
                piece = self._pieces.get_nowait()
            except queue.Empty:
                return "".join(texts), "", False
        return "".join(texts), piece or "", piece is None


class _Remark(str):
    """A line for stderr among the pieces for stdout."""

    __slots__ = ()
