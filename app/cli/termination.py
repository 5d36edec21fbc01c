"""Ending on SIGTERM as on Ctrl-C: what is under way is stopped, what has arrived is kept."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any

from app.cli.failures import INTERRUPTED, TERMINATED

__all__ = ("run_until_stopped",)


def run_until_stopped(work: Coroutine[Any, Any, int]) -> int:
    """Run a command to its end, or until it is told to stop; gives its exit status."""
    try:
        return asyncio.run(_until_terminated(work))
    except KeyboardInterrupt:
        return INTERRUPTED
    except asyncio.CancelledError:
        return TERMINATED


async def _until_terminated(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.current_task()
    assert task is not None
    with contextlib.suppress(NotImplementedError):  # Windows has no such signal
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work
