"""How long a gateway holds a chunk before it passes it on, and what it holds with many streams open.

Budgets: a chunk is forwarded within 0.2 ms of its arrival (median): what it takes from the upstream to a
client above what it takes without a gateway. A thousand open streams take at most 400 MB.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.gateway.running import Running, body

__all__ = ("measure_delays", "measure_memory")

STREAMS = (1, 8)
_CHUNKS, _EVERY = 200, 0.005
_HELD_EVERY = 2.0
_OPENING_LIMIT = 90.0


@dataclass(frozen=True)
class _Client:
    """The program ``streams``, which has asked for all its streams."""

    process: subprocess.Popen[str]

    def wait_until_open(self) -> bool:
        """True when each stream has given a chunk; False when they failed, or took too long."""
        assert self.process.stdout
        timer = threading.Timer(_OPENING_LIMIT, self.process.kill)
        timer.start()
        try:
            return self.process.stdout.readline() == "open\n"
        finally:
            timer.cancel()

    def delays(self) -> list[float]:
        """Of every chunk in milliseconds, when all streams are over."""
        assert self.process.stdout
        return [delay / 1e6 for delay in json.loads(self.process.stdout.readline())]


@contextmanager
def _client(running: Running, streams: int, repeats: int, prompt: str) -> Iterator[_Client]:
    order = {
        "address": running.address,
        "headers": running.headers,
        "body": body(stream=True, prompt=prompt).decode(),
        "streams": streams,
        "repeats": repeats,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.gateway.streams"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        yield _Client(process)
        process.stdin.close()


def measure_delays(candidates: Sequence[Running], *, rounds: int) -> None:
    """Print a table for each number of streams at a time; candidates take turns."""
    prompt = f"chunks={_CHUNKS} every={_EVERY}"
    delays: dict[tuple[int, str], list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        for streams in STREAMS:
            for running in candidates:
                with _client(running, streams, 1, prompt) as client:
                    told = client.delays() if client.wait_until_open() else []
                if number:  # the first round warms up
                    delays[streams, running.name] += told
    for streams in STREAMS:
        _print(streams, {running.name: delays[streams, running.name] for running in candidates})


def _print(streams: int, table: dict[str, list[float]]) -> None:
    first = next(iter(table))
    medians = {name: statistics.median(delays) for name, delays in table.items() if delays}
    print(
        f"\n{f'{streams} streams':<18}{'chunk after':>14}{'above ' + first.split()[0]:>14}{'p99':>14}"
        f"    of {1 / _EVERY:.0f} chunks/s each"
    )
    for name in table.keys() - medians.keys():
        print(f"{name:<18}gave no streams")
    for name in medians:
        delays = table[name]
        p99 = sorted(delays)[int(len(delays) * 0.99)]
        print(
            f"{name:<18}{medians[name]:>11.3f} ms{medians[name] - medians[first]:>11.3f} ms{p99:>11.3f} ms",
            flush=True,
        )


def measure_memory(candidates: Sequence[Running], *, streams: int) -> None:
    """Print what each holds before, with so many streams open, and after them."""
    print(f"\n{f'{streams} open streams':<18}{'before':>12}{'open':>12}{'after':>12}{'a stream':>14}")
    for running in candidates:
        before = running.held().megabytes
        with _client(running, streams, 1, f"chunks=1000 every={_HELD_EVERY}") as client:
            held = running.held().megabytes if client.wait_until_open() else None
        if held is None:
            print(f"{running.name:<18}could not hold them", flush=True)
            continue
        after = running.held().megabytes
        print(
            f"{running.name:<18}{before:>9.0f} MB{held:>9.0f} MB{after:>9.0f} MB"
            f"{(held - before) / streams * 1e3:>11.0f} kB",
            flush=True,
        )
