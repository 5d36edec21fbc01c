"""Requests a second and latency, at 1, 8 and 64 connections.

Budgets: at each, at least ten times LiteLLM's requests a second and more than Portkey's; at one connection
the median latency at most 1.5 ms above the bare upstream's.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.gateway.load import Load, load
from tests.bench.gateway.running import Running

__all__ = ("CONNECTIONS", "measure")

CONNECTIONS = (1, 8, 64)
_WARM_UP = 6.0


@dataclass(frozen=True)
class _Turn:
    load: Load
    cpu: float


def measure(candidates: Sequence[Running], *, rounds: int, seconds: float) -> None:
    """Print a table for each number of connections; candidates take turns, to meet the same noise."""
    turns: dict[tuple[int, str], list[_Turn]] = defaultdict(list)
    for running in candidates:
        load(running, max(CONNECTIONS), _WARM_UP)
    for _ in range(rounds):
        for connections in CONNECTIONS:
            for running in candidates:
                before = running.held().cpu
                done = load(running, connections, seconds)
                turns[connections, running.name].append(_Turn(done, running.held().cpu - before))
    for connections in CONNECTIONS:
        _print(connections, {running.name: turns[connections, running.name] for running in candidates})


def _print(connections: int, table: dict[str, list[_Turn]]) -> None:
    medians = {name: statistics.median(turn.load.rate for turn in turns) for name, turns in table.items()}
    latency = {name: statistics.median(turn.load.p50_ms for turn in turns) for name, turns in table.items()}
    first, ours = next(iter(table)), medians.get("tensorwall")
    print(
        f"\n{f'{connections} connections':<18}{'requests/s':>12}{'ours/theirs':>13}{'p50':>12}"
        f"{'above ' + first.split()[0]:>13}{'p99':>12}{'CPU/request':>15}{'failed':>8}"
    )
    for name, turns in table.items():
        ratio = f"{ours / medians[name]:.2f}" if ours else "-"
        p99 = statistics.median(turn.load.p99_ms for turn in turns)
        cpu = statistics.median(turn.cpu / max(1, turn.load.requests) for turn in turns)
        failed = sum(turn.load.refused + turn.load.broken for turn in turns)
        print(
            f"{name:<18}{medians[name]:>12,.0f}{ratio:>13}{latency[name]:>9.2f} ms"
            f"{latency[name] - latency[first]:>10.2f} ms{p99:>9.2f} ms{cpu * 1e6:>12,.0f} µs{failed:>8}",
            flush=True,
        )
