"""Routing in virtual time: what is lost by choosing wrongly, and what of a free tier is used.

Tables of the router's policies beside others', from published seeds; nothing depends on this machine but
the processor time. Budgets: less lost than by any other policy; no refusals; 95 % of the scarcest limit
where there is demand for it. Hedged first tokens and failovers have tables, and budgets, of their own; the
handshakes are counted in real time.
"""

from __future__ import annotations

import time

from tests.bench.routing import connections, failover, hedging
from tests.core.routing.regret import POLICIES, SCENARIOS, regret
from tests.core.routing.sessions import PATTERNS, play

SEEDS = range(20)
SESSION_SEEDS = range(3)


def choosing() -> None:
    """Mean milliseconds to the first word lost a call, against the route that is fastest at the time."""
    print(f"\nChoosing among three routes for two hours: ms lost a call (seeds {SEEDS.start} to {SEEDS[-1]})")
    print(f"{'':<22}" + "".join(f"{scenario:>10}" for scenario in SCENARIOS))
    for policy in POLICIES:
        lost = [sum(regret(policy, scenario, seed) for seed in SEEDS) / len(SEEDS) for scenario in SCENARIOS]
        print(f"{policy:<22}" + "".join(f"{1000 * seconds:>10.0f}" for seconds in lost))


def sessions() -> None:
    """Half an hour each on the free tier: 30 requests and 8000 tokens a minute, 200 000 tokens a day."""
    print(f"\nHalf an hour on the free tier (seeds {SESSION_SEEDS.start} to {SESSION_SEEDS[-1]})")
    print(f"{'':<22}{'calls':>8}{'refused':>9}{'used':>7}{'longest wait':>14}{'µs a call':>11}")
    for pattern in PATTERNS:
        began = time.process_time()
        played = [play(pattern, seed) for seed in SESSION_SEEDS]
        calls = sum(session.calls for session in played)
        used = min(session.used for session in played)
        longest = max((wait for session in played for wait in session.waits), default=0.0)
        print(
            f"{pattern:<22}{calls:>8}{sum(len(session.refused) for session in played):>9}{used:>7.1%}"
            f"{longest:>12.1f} s{1e6 * (time.process_time() - began) / calls:>11.0f}"
        )


def main() -> None:
    """Print the tables."""
    choosing()
    sessions()
    hedging.main()
    failover.main()
    print()
    connections.main()


if __name__ == "__main__":
    main()
