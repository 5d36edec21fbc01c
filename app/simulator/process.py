"""The simulator in a child process that ends with its parent, however that ends."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from core.errors import ConnectionFailed

__all__ = ("command", "running_simulator")

_ROOT = Path(__file__).parents[2]
_GRACE_SECONDS = 3.0


def command(
    *, port: int = 0, tokens_per_second: float | None = None, first_token_ms: float | None = None
) -> list[str]:
    """The command line of the child; it is to run in the folder that holds ``app``, with stdin a pipe."""
    line = [sys.executable, "-m", "app.simulator", "--die-with-parent", "--port", str(port)]
    if tokens_per_second is not None:
        line += ["--tokens-per-second", str(tokens_per_second)]
    if first_token_ms is not None:
        line += ["--first-token-ms", str(first_token_ms)]
    return line


@contextlib.asynccontextmanager
async def running_simulator(
    *,
    port: int = 0,
    tokens_per_second: float | None = None,
    first_token_ms: float | None = None,
    start_limit: float = 15.0,
) -> AsyncIterator[str]:
    """Run the simulator while the body runs; gives its base URL, ready for requests.

    Args:
        port: on loopback; 0 takes a free one.
        tokens_per_second: the demo key's pace; ``None`` keeps the default.
        first_token_ms: the demo key's wait; ``None`` keeps the default.
        start_limit: seconds it may take to start.

    Raises:
        ConnectionFailed: it did not start, with what it wrote on stderr.
    """
    with tempfile.TemporaryFile() as errors:
        process = await asyncio.create_subprocess_exec(
            *command(port=port, tokens_per_second=tokens_per_second, first_token_ms=first_token_ms),
            cwd=_ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
        try:
            line = await _first_line(process, start_limit)
            if not line.startswith("http"):
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip().splitlines()
                reason = said[-1] if said else f"nothing heard for {start_limit:g} seconds"
                raise ConnectionFailed(f"The simulator did not start: {reason}", provider="simulator")
            yield line
        finally:
            await _end(process)


async def _first_line(process: asyncio.subprocess.Process, limit: float) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(limit):
            return (await process.stdout.readline()).decode().strip()
    except TimeoutError:
        return ""


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the child's stdin, which ends it; kill it if it lingers."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
