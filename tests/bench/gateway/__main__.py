"""The local gateway beside its peers: ``python -m tests.bench.gateway [PART]...``.

``soak --minutes N`` is a part by itself: our gateway alone, under load with faults; its exit status says
whether it held.

All of them stand before the same upstream, whose own figures are the bare line. A gateway that is not
installed, or does not start, is left out and says why.
"""

from __future__ import annotations

import argparse
import os

from tests.bench.gateway import soak, streaming, throughput
from tests.bench.gateway.candidates import CANDIDATES
from tests.bench.gateway.load import what_is_missing_for_load
from tests.bench.gateway.running import allow_many_connections, gateways, upstream

PARTS = ("throughput", "streaming", "memory")


def main() -> None:
    """Print the tables of the parts that were asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [candidate.name for candidate in CANDIDATES]
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--gateway", action="append", choices=names, help="default: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of load in each round")
    parser.add_argument("--streams", type=int, default=1000, help="held open at a time")
    soaking = parser.add_argument_group("soak")
    soaking.add_argument("--minutes", type=float, default=30)
    soaking.add_argument("--connections", type=int, default=64)
    soaking.add_argument("--workers", type=int, default=1)
    soaking.add_argument("--faults", type=float, default=0.1, help="share of answers that go wrong")
    options = parser.parse_args()
    parts = options.parts or PARTS
    if parts == ["soak"]:
        held = soak.soak(
            minutes=options.minutes,
            connections=options.connections,
            workers=options.workers,
            faults=options.faults,
        )
        raise SystemExit(0 if held else 1)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"no part named {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    if "throughput" in parts and (missing := what_is_missing_for_load()):
        raise SystemExit(missing)
    allow_many_connections()
    wanted = [one for one in CANDIDATES if one.name in (options.gateway or names)]
    with upstream() as (address, bare), gateways(wanted, address, bare) as running:
        if "throughput" in parts:
            throughput.measure(running, rounds=options.rounds, seconds=options.seconds)
        if "streaming" in parts:
            streaming.measure_delays(running, rounds=options.rounds)
        if "memory" in parts:
            streaming.measure_memory(running, streams=options.streams)
    print(f"\nload {', '.join(f'{figure:.1f}' for figure in os.getloadavg())}")


if __name__ == "__main__":
    main()
