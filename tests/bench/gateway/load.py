"""Load by ``wrk``: so many connections, each asking again as soon as it is answered."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.gateway.running import Running, body

__all__ = ("Load", "load", "what_is_missing_for_load")

_SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Load:
    """What came of a load.

    Attributes:
        refused: answers whose status was none of 2xx and 3xx.
        broken: connections that failed, and answers that took more than half a minute.
    """

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    refused: int
    broken: int

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return (self.requests - self.refused) / self.seconds


def what_is_missing_for_load() -> str | None:
    """Why there can be no load here, or None."""
    return None if shutil.which("wrk") else "install wrk (Debian's package of that name)"


def load(
    running: Running, connections: int, seconds: float, bodies: Sequence[bytes] = (body(stream=False),)
) -> Load:
    """Ask over ``connections`` for about ``seconds``, with the bodies taken in turn."""
    headers = {"Content-Type": "application/json", **running.headers}
    flags = [flag for name, value in headers.items() for flag in ("--header", f"{name}: {value}")]
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\n".join(bodies))
        file.flush()
        done = subprocess.run(
            [
                *("wrk", "--threads", "1", "--connections", str(connections)),
                *("--duration", f"{seconds:.0f}s", "--timeout", "30s", "--script", str(_SCRIPT)),
                *flags,
                running.address,
            ],
            env=os.environ | {"BODIES": file.name}, capture_output=True, text=True, check=True,
        )  # fmt: skip
    return Load(**json.loads(done.stdout.splitlines()[-1]))
