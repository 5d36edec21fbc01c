"""An event loop whose clock jumps to the next timer: minutes of conversation take milliseconds, and the
same ones every time. For code that waits on timers and events alone, without threads and sockets."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ("run_in_virtual_time",)

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    """Never waits: time passes instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "nothing is left that could ever happen"
        self.now += max(0.0, timeout)
        return []


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_in_virtual_time(work: Coroutine[Any, Any, T]) -> T:
    """Run it to its end; a wait that nothing can end fails."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(work)
