"""What a failure costs: the first token, and the longest silence within an answer, over HTTP.

Target: a failover to a route that is ready adds at most 20 ms to the first token.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from contextlib import closing
from itertools import pairwise
from typing import Any

from core.chat import TextDelta
from core.providers import groq_provider, openai_compatible
from core.routing import BreakerPolicy, LLMRouter, RouteEndpoint
from tests.core.routing.scripted import request
from tests.simulated import Simulated, simulator_process

__all__ = ("main",)

_MODEL = "openai/gpt-oss-120b"
_CALLS = 40
_FAULTS: dict[str, dict[str, Any] | None] = {
    "none": None,
    "503 of the first route": {"kind": "server_error", "status": 503, "times": 1, "model": _MODEL},
    "reset of the first route": {"kind": "reset", "times": 1, "model": _MODEL},
    "cut within the answer": {"kind": "cut", "after_tokens": 20, "times": 1, "model": _MODEL},
}


def main() -> None:
    """Print the table."""
    with simulator_process() as base_url, closing(Simulated(base_url)) as simulated:
        figures = {name: asyncio.run(_measure(simulated, fault)) for name, fault in _FAULTS.items()}
    quickest = figures["none"][0]
    print(f"\nFailover over HTTP: medians of {_CALLS} answers, milliseconds")
    print(f"{'fault':<26}{'first token':>13}{'added':>8}{'longest silence':>17}")
    for name, (first, silence) in figures.items():
        print(f"{name:<26}{first:>13.1f}{first - quickest:>8.1f}{silence:>17.1f}")


async def _measure(simulated: Simulated, fault: dict[str, Any] | None) -> tuple[float, float]:
    router = LLMRouter(breaker=BreakerPolicy(minimum_calls=10**6))
    groq = RouteEndpoint(
        provider=groq_provider, model=_MODEL, api_key=simulated.api_key, base_url=simulated.base_url
    )
    other = openai_compatible("other", simulated.generic_url, api_key=simulated.api_key)
    router.add_route("m", [groq, RouteEndpoint(provider=other, model=_MODEL, priority=1)])
    firsts, silences = [], []
    for _ in range(_CALLS):
        simulated.configure(text="word " * 40, reasoning="", faults=[fault] if fault else [])
        await router.warm()
        arrivals = [time.perf_counter()]
        events = router.stream(request())
        arrivals += [time.perf_counter() async for event in events if isinstance(event, TextDelta)]
        gaps = [later - earlier for earlier, later in pairwise(arrivals)]
        firsts.append(gaps[0] * 1000)
        silences.append(max(gaps[1:]) * 1000)
    await router.aclose()
    return statistics.median(firsts), statistics.median(silences)


if __name__ == "__main__":
    main()
