"""Enter on a plain terminal, as an event: for a talk key without a full-screen interface."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ("enter_key",)


@contextmanager
def enter_key(pressed: Callable[[], None], ended: Callable[[], object]) -> Iterator[None]:
    """Call ``pressed`` on the event loop for each line on stdin, and ``ended`` when it ends (Ctrl-D).

    Windows lets nobody wait for its console, so a thread reads there; it ends with the process.
    """
    loop = asyncio.get_running_loop()
    if os.name == "nt":
        threading.Thread(target=_read, args=(loop, pressed, ended), name="enter key", daemon=True).start()
        yield
        return
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        if os.read(descriptor, 4096):
            pressed()
        else:
            loop.remove_reader(descriptor)
            ended()

    loop.add_reader(descriptor, readable)
    try:
        yield
    finally:
        loop.remove_reader(descriptor)


def _read(loop: asyncio.AbstractEventLoop, pressed: Callable[[], None], ended: Callable[[], object]) -> None:
    while sys.stdin.readline():
        loop.call_soon_threadsafe(pressed)
    loop.call_soon_threadsafe(ended)
