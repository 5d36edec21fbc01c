"""The parent's end of the speech process: start it, talk with it, end it with all that it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.errors import SynthesisFailed
from core.voice.synthesis.wire import FrameDecoder, Message, WireError, encode

__all__ = ("CHILD", "ChildProcess")

_ROOT = Path(__file__).parents[3]
CHILD = (sys.executable, "-m", "core.voice.synthesis.child")
"""The command line of the child; it runs in the folder that holds ``core``."""
_READ_SIZE = 65536


class ChildProcess:
    """One running speech process, made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._decoder = FrameDecoder()
        self._received: deque[Message] = deque()

    @classmethod
    async def start(cls, command: Sequence[str] = CHILD) -> ChildProcess:
        """Start a process in a group of its own, which Ctrl-C in the terminal does not reach.

        Raises:
            SynthesisFailed: the system refuses another process.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=_ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                **_own_group(),
            )
        except OSError as error:
            raise SynthesisFailed(f"The speech process cannot be started: {error.strerror}.") from error
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its group."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Write a message; a process that is gone is noticed by the next `receive`."""
        self._stdin.write(encode(message))

    async def receive(self, limit: float) -> Message:
        """The next message; cancelling loses none.

        Args:
            limit: seconds to wait for it.

        Raises:
            SynthesisFailed: nothing came in time, the process ended or it writes nonsense.
        """
        try:
            async with asyncio.timeout(limit):
                while not self._received:
                    self._received.extend(self._decoder.feed(await self._read()))
        except TimeoutError:
            raise SynthesisFailed(f"The speech engine did not answer for {limit:.0f} seconds.") from None
        except WireError as error:
            raise SynthesisFailed(f"The speech process wrote what is no message: {error}.") from error
        return self._received.popleft()

    async def _read(self) -> bytes:
        with contextlib.suppress(ConnectionError):
            if data := await self._stdout.read(_READ_SIZE):
                return data
        raise SynthesisFailed("The speech process ended by itself.")

    async def end(self) -> None:
        """Kill the process and everything it started, and wait until it is gone."""
        self._stdin.close()
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)
        with contextlib.suppress(ConnectionError):
            while await self._stdout.read(_READ_SIZE):  # a pipe that is not read to its end stays open
                pass
        await self._process.wait()


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}
