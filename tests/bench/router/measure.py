"""Drives one client through many streams and prints what it took, as one JSON line.

Imported by the ``with_*.py`` programs, each of which runs in an interpreter of its own: the peers'
packages do not fit beside TensorWall's.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

Stream = Callable[[], AsyncIterator[object]]
"""Starts one answer and yields a truthy value for each piece of text."""


async def _one(stream: Stream) -> tuple[float, int]:
    started = time.perf_counter()
    first, pieces = 0.0, 0
    async for text in stream():
        if text:
            first = first or time.perf_counter() - started
            pieces += 1
    return first, pieces


async def measure(streams: dict[str, Stream], count: int) -> dict[str, dict[str, float]]:
    """Run each client ``count`` times, turn by turn, so that drift of the machine hits all alike.

    Returns for each name: ``cpu_us`` per piece of text (this process only), and the median
    ``first_ms`` to the first piece.
    """
    firsts: dict[str, list[float]] = {name: [] for name in streams}
    cpu = dict.fromkeys(streams, 0.0)
    pieces = dict.fromkeys(streams, 0)
    for stream in streams.values():
        await _one(stream)
    for _ in range(count):
        for name, stream in streams.items():
            before = time.process_time()
            first, arrived = await _one(stream)
            cpu[name] += time.process_time() - before
            firsts[name].append(first)
            pieces[name] += arrived
    return {
        name: {"cpu_us": cpu[name] / pieces[name] * 1e6, "first_ms": statistics.median(firsts[name]) * 1e3}
        for name in streams
    }


def run(clients: Callable[[str], AbstractAsyncContextManager[dict[str, Stream]]]) -> None:
    """Measure the clients that ``clients(base_url)`` opens, against the address on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()

    async def main() -> dict[str, dict[str, float]]:
        async with clients(options.base_url) as streams:
            return await measure(streams, options.count)

    print(json.dumps(asyncio.run(main())))
