"""Router: CPU per streamed chunk, time to first token and import cost beside its peers.

Budgets: CPU per chunk at most 1/4 of the ``groq`` SDK's and 1/10 of LiteLLM's; first token at most
0.7 ms after bare httpx (median); import at most 0.30 s and 60 MB.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.router.transport import processor_time

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PEERS = ROOT / ".venv" / "peers" / "bin" / "python"
CLIENTS = {"with_tensorwall.py": sys.executable, "with_groq.py": str(PEERS), "with_litellm.py": str(PEERS)}
IMPORTS = {
    "core.routing + core.providers": (sys.executable, "import core.routing, core.providers"),
    "httpx": (sys.executable, "import httpx"),
    "groq": (str(PEERS), "import groq"),
    "litellm": (str(PEERS), "import litellm"),
}
_TIMED = (
    "import resource, time; t = time.perf_counter(); {}; "
    "print(time.perf_counter() - t, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
)


@contextmanager
def upstream(flush: str) -> Iterator[str]:
    """The canned server in a process of its own."""
    command = [sys.executable, str(HERE / "upstream.py"), "--flush", flush]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stdin
        yield server.stdout.readline().strip()
        server.stdin.close()


def streams(flush: str) -> dict[str, dict[str, float]]:
    """Every client's figures; ``flush`` is ``all`` or ``each``."""
    figures: dict[str, dict[str, float]] = {}
    with upstream(flush) as base_url:
        for program, python in CLIENTS.items():
            done = subprocess.run(
                [python, str(HERE / program), base_url],
                capture_output=True, text=True, check=True, env={"PYTHONPATH": f"{ROOT}:{HERE}"},
            )  # fmt: skip
            figures |= json.loads(done.stdout.splitlines()[-1])
    return figures


def import_cost(python: str, statement: str) -> tuple[float, float]:
    """Median seconds and MB of an import over five fresh processes."""
    runs = []
    for _ in range(5):
        done = subprocess.run(
            [python, "-c", _TIMED.format(statement)], capture_output=True, text=True, check=True, cwd=ROOT
        )
        runs.append([float(figure) for figure in done.stdout.split()[-2:]])
    seconds, megabytes = zip(*runs, strict=True)
    return statistics.median(seconds), statistics.median(megabytes)


def main() -> None:
    """Print the tables."""
    figures = processor_time()
    print("\nTransport: processor time of a call that is not streamed")
    for name, figure in figures.items():
        print(f"{name:<12}{figure:>9.0f} µs{figures['tensorwall'] / figure:>13.2f} ours/theirs")
    for flush, meaning in (("all", "chunks handed over together"), ("each", "a write for each chunk")):
        figures = streams(flush)
        ours = figures["tensorwall"]
        print(f"\nStreaming, {meaning}: 40 answers of 200 chunks")
        print(f"{'client':<12}{'CPU/chunk':>12}{'ours/theirs':>13}{'first token':>13}{'ours - theirs':>15}")
        for name, figure in figures.items():
            print(
                f"{name:<12}{figure['cpu_us']:>9.1f} µs{ours['cpu_us'] / figure['cpu_us']:>13.2f}"
                f"{figure['first_ms']:>10.2f} ms{ours['first_ms'] - figure['first_ms']:>12.2f} ms"
            )
    print(f"\n{'import':<34}{'seconds':>9}{'MB':>7}")
    for name, (python, statement) in IMPORTS.items():
        seconds, megabytes = import_cost(python, statement)
        print(f"{name:<34}{seconds:>9.2f}{megabytes:>7.0f}")


if __name__ == "__main__":
    main()
