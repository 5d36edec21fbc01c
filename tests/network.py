"""The way to the simulator as a network that goes and comes back."""

from __future__ import annotations

import asyncio

from tests.simulated import Simulated

__all__ = ("Network",)


class Network:
    """An address of its own that refuses connections until it is opened, and again once it is closed."""

    def __init__(self, simulator: Simulated) -> None:
        self._port = int(simulator.root.rpartition(":")[2])
        self._server: asyncio.Server | None = None
        self._ours = 0
        self._passing: set[asyncio.StreamWriter] = set()

    async def open(self) -> str:
        """Let connections through; gives the address, the same each time."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self._ours)
        self._ours = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{self._ours}/openai/v1"

    async def close(self) -> None:
        """Let none through, and break those that are."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        for writer in self._passing:
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self._passing |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, back))
                group.create_task(_copy(there, writer))
        finally:
            self._passing -= {writer, back}


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass
    finally:
        writer.close()
