"""The way to the simulator as a network that goes and comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.simulated import Simulated

__all__ = ("Network",)


class Network:
    """An address of its own that refuses connections until it is opened, and again once it is closed."""

    def __init__(self, simulator: Simulated) -> None:
        self._port = int(simulator.root.rpartition(":")[2])
        self._server: asyncio.Server | None = None
        self._ours = 0
        self._passing: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """Let connections through; gives the address, the same each time."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._ours)
        self._ours = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{self._ours}/openai/v1"

    async def close(self) -> None:
        """Let none through, and break those that are."""
        if self._server is None:
            return
        self._server.close()
        for passing in self._passing:
            passing.cancel()
        if self._passing:
            await asyncio.wait(self._passing)
        await self._server.wait_closed()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passing = asyncio.current_task()
        assert passing is not None
        self._passing.add(passing)
        try:
            async with _closing(writer):
                there, back = await asyncio.open_connection("127.0.0.1", self._port)
                async with _closing(back), asyncio.TaskGroup() as group:
                    group.create_task(_copy(reader, back))
                    group.create_task(_copy(there, writer))
        finally:
            self._passing.discard(passing)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Its connection is closed at the end of the block, and not only about to be."""
    try:
        yield
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
