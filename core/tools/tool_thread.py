"""Blocking functions of anybody's, each in a thread of its own that holds nobody up.

The pool of ``asyncio.to_thread`` is waited for when the program ends; a tool that sleeps for an hour would
keep it there that long. These threads are left behind instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import TypeVar

__all__ = ("in_own_thread",)

T = TypeVar("T")


async def in_own_thread(function: Callable[[], T], name: str) -> T:
    """What a function returns, or raises; one whose caller is cancelled goes on to its own end.

    Args:
        function: may block.
        name: the thread's.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def tell(settle: Callable[[], None]) -> None:
        if not outcome.done():  # else nobody waits any more
            settle()

    def run() -> None:
        try:
            settle = partial(outcome.set_result, function())
        except StopIteration as error:  # no future can carry one
            settle = partial(outcome.set_exception, RuntimeError(f"it raised {error!r}"))
        except BaseException as error:  # noqa: BLE001 - the caller's to judge
            settle = partial(outcome.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the program is ending
            loop.call_soon_threadsafe(tell, settle)

    threading.Thread(target=copy_context().run, args=(run,), name=name, daemon=True).start()
    return await outcome
