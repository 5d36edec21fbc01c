"""llama.cpp as a process of its own, so that its crash, or its heavy work, is nothing the screen feels."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from core.errors import OfflineUnavailable
from core.offline.models import EMBEDDED, LocalModel

__all__ = ("LlamaServer", "Running")

_ROOT = Path(__file__).parents[2]
_LOAD_LIMIT = 120.0
"""Seconds in which a model has to be loaded; large ones are read from disk at some 100 MB a second."""
_GRACE = 3.0
_MOST_THREADS = 8
"""More do not help: memory is what a model waits for."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers.

    Attributes:
        url: base address of OpenAI's API, on loopback.
        key: without which it refuses every call, so that no other user of this machine is served.
    """

    url: str
    key: str = field(repr=False)


class LlamaServer:
    """One model, served on loopback from when it is first needed until `aclose`; for one event loop.

    Args:
        model: what to serve.
        window: tokens that prompt and answer may take together.
    """

    def __init__(self, model: LocalModel, window: int) -> None:
        self.model = model
        self.window = window
        self._loading: asyncio.Task[Running] | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def is_running(self) -> bool:
        """Whether the model is loaded and its process alive."""
        loaded = self._loading is not None and self._loading.done()
        return loaded and self._process is not None and self._process.returncode is None

    async def run(self) -> Running:
        """Where it answers; loads the model first where it is not, once for all who ask meanwhile.

        Whoever is cancelled waits no longer, and the model goes on loading: it is soon asked for again.

        Raises:
            OfflineUnavailable: the model does not load; says why.
        """
        if self._loading is None or (self._loading.done() and not self.is_running):
            self._loading = asyncio.create_task(self._start(), name=f"load {self.model.name}")
            self._loading.add_done_callback(_heard)
        return await asyncio.shield(self._loading)

    async def aclose(self) -> None:
        """End the process, whatever it is doing; a later `run` starts another."""
        if self._loading is not None and self._loading.cancel():
            await asyncio.wait((self._loading,))
        self._loading = None
        await self._end()

    async def _start(self) -> Running:
        await self._end()
        key = secrets.token_urlsafe(24)
        with tempfile.TemporaryFile() as errors:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "core.offline.child"),
                cwd=_ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C stops an answer, not what gives it
            )
            try:
                line = await self._first_line(self._wanted(key))
            except BaseException:
                await self._end()
                raise
            if not line:
                await self._end()
                raise self._did_not_load(errors)
        return Running(f"{json.loads(line)['url']}/v1", key)

    def _wanted(self, key: str) -> bytes:
        # One processor is left to the screen.
        threads = max(1, min(_MOST_THREADS, (os.cpu_count() or 2) - 1))
        wanted = {
            "path": str(self.model.path.absolute()),
            "name": self.model.name,
            "window": self.window,
            "threads": threads,
            "key": key,
        }
        return json.dumps(wanted).encode() + b"\n"

    async def _first_line(self, wanted: bytes) -> bytes:
        """What the process says once the model is loaded; nothing where it ended or takes too long."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_LOAD_LIMIT):
                process.stdin.write(wanted)
                await process.stdin.drain()
                return await process.stdout.readline()
        except (TimeoutError, ConnectionError):
            return b""

    def _did_not_load(self, errors: IO[bytes]) -> OfflineUnavailable:
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
        why = f" ({said[-1].strip()[:200]})" if said else ""
        return OfflineUnavailable(
            f"{self.model.label} does not load: {self.model.path.name} cannot be read as a model{why}.",
            provider=EMBEDDED,
            hint="Fetch it once more, or choose another model: `tensorwall offline`.",
        )

    async def _end(self) -> None:
        """Close the process's stdin, which ends it; kill it if it lingers."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await process.wait()
        finally:
            if process.returncode is None:
                process.kill()


def _heard(loading: asyncio.Task[Running]) -> None:
    """A failure that nobody waits for any more is no surprise: the next call tries again, and tells."""
    if not loading.cancelled():
        loading.exception()
