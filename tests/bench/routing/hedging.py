"""The first token with and without hedging, on the recorded queue distribution, in virtual time.

Target: the slowest hundredth takes at most half as long, with at most a twentieth more calls.
"""

from __future__ import annotations

from core.routing import HedgePolicy
from tests.core.routing.queueing import first_content_times, percentile
from tests.virtual_time import run_in_virtual_time

__all__ = ("main",)

_REQUESTS = 4_000
_SEEDS = (1, 2, 3)
_POLICIES = {"none": HedgePolicy(share=0), "hedged": HedgePolicy()}


def main() -> None:
    """Print the table."""
    print(f"\nHedged first token: {_REQUESTS} requests to a queue like the recorded one, seconds")
    print(f"{'seed':>4}  {'hedging':<8}{'p50':>8}{'p95':>8}{'p99':>8}{'longest':>9}{'extra calls':>13}")
    for seed in _SEEDS:
        plain = 0.0
        for name, policy in _POLICIES.items():
            times, calls = run_in_virtual_time(first_content_times(_REQUESTS, seed, policy))
            slowest = percentile(times, 0.99)
            plain = plain or slowest
            print(
                f"{seed:>4}  {name:<8}{percentile(times, 0.5):>8.2f}{percentile(times, 0.95):>8.2f}"
                f"{slowest:>8.2f}{max(times):>9.2f}{calls / len(times) - 1:>12.1%}"
                f"   p99 x {slowest / plain:.2f}"
            )


if __name__ == "__main__":
    main()
