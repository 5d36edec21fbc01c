"""Text from stdin while it arrives: another command's answer can be spoken before it is complete."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import threading
from collections.abc import AsyncIterator

from core.errors import InputError

__all__ = ("arriving_text",)

_READ_SIZE = 65536


async def arriving_text(descriptor: int = 0) -> AsyncIterator[str]:
    """What a descriptor gives, piece by piece, as UTF-8.

    A thread reads it, as not every kind of file can be waited for; it ends with the input or, being
    a daemon, with the process.

    Raises:
        InputError: it is no text.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            data = b"-"
            while data:
                try:
                    data = os.read(descriptor, _READ_SIZE)
                except OSError:
                    data = b""
                loop.call_soon_threadsafe(arrived.put_nowait, data)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        while data := await arrived.get():
            yield decoder.decode(data)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise InputError("stdin is not text in UTF-8.") from None
