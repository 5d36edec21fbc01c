"""In which order the endpoints of a route are tried; pure: the same arguments give the same plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from itertools import groupby
from random import Random

__all__ = ("EndpointState", "LoadBalanceStrategy", "Plan", "Ranked", "rank")


class LoadBalanceStrategy(Enum):
    """How a route chooses among the healthy endpoints of its lowest priority number."""

    ROUND_ROBIN = "round_robin"
    """Each in turn."""
    WEIGHTED = "weighted"
    """At random, in proportion to the weights."""
    LEAST_LATENCY = "least_latency"
    """The one that has been answering soonest; those not tried lately are given a chance."""
    RANDOM = "random"
    """At random."""
    LOWEST_COST = "lowest_cost"
    """The one with the lowest price; unknown prices last."""


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What a strategy knows about one endpoint.

    Attributes:
        problem: why it should not be called now; empty where it is ready.
        ready_in: seconds until it should be called; not above 0 where it is ready.
        latency: predicted seconds to a first sentence, drawn towards 0 as measurements age.
        measured: the plain mean, for the reason; ``None`` before the first measurement.
        price: US dollars per million tokens, or ``None`` where unknown.
    """

    priority: int = 0
    weight: float = 1.0
    problem: str = ""
    ready_in: float = 0.0
    latency: float = 0.0
    measured: float | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """One place of a plan: the endpoint's index and why it stands there, one phrase."""

    index: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Every endpoint, best first; ``set_aside`` are those of them that are not ready, with the problem."""

    ranked: tuple[Ranked, ...]
    set_aside: tuple[Ranked, ...]


_ALONE = "the only one ready"
_Members = list[tuple[int, EndpointState]]


def rank(
    strategy: LoadBalanceStrategy, endpoints: Sequence[EndpointState], *, turn: int, rng: Random
) -> Plan:
    """Rank endpoints: the ready ones by tier, then by strategy; the others last, soonest ready first.

    Args:
        strategy: orders the endpoints within a tier.
        endpoints: the endpoints of one route, in the order of registration.
        turn: how many plans this route has had before; moves round robin on.
        rng: drawn from by the strategies that choose at random.
    """
    if len(endpoints) == 1 and not endpoints[0].problem:  # most routes, at most times
        return Plan((Ranked(0, f"tier {endpoints[0].priority}, {_ALONE}"),), ())
    indexed = list(enumerate(endpoints))
    ready = sorted((item for item in indexed if not item[1].problem), key=lambda item: item[1].priority)
    ranked: list[Ranked] = []
    for priority, tier in groupby(ready, key=lambda item: item[1].priority):
        members = list(tier)
        ranked += [
            Ranked(place.index, f"tier {priority}, {place.reason}")
            for place in _order(strategy, members, turn, rng)
        ]
    late = sorted(
        (item for item in indexed if item[1].problem), key=lambda item: (item[1].ready_in, item[1].priority)
    )
    set_aside = tuple(Ranked(index, state.problem) for index, state in late)
    return Plan((*ranked, *set_aside), set_aside)


def _order(strategy: LoadBalanceStrategy, members: _Members, turn: int, rng: Random) -> list[Ranked]:
    if len(members) == 1:
        return [Ranked(members[0][0], _ALONE)]
    match strategy:
        case LoadBalanceStrategy.ROUND_ROBIN:
            return _round_robin(members, turn)
        case LoadBalanceStrategy.WEIGHTED:
            return _weighted(members, rng)
        case LoadBalanceStrategy.LEAST_LATENCY:
            return _least_latency(members)
        case LoadBalanceStrategy.RANDOM:
            return [Ranked(index, "drawn at random") for index, _ in rng.sample(members, len(members))]
        case LoadBalanceStrategy.LOWEST_COST:
            return _lowest_cost(members)


def _round_robin(members: _Members, turn: int) -> list[Ranked]:
    first = turn % len(members)
    return [Ranked(index, "its turn") for index, _ in members[first:] + members[:first]]


def _weighted(members: _Members, rng: Random) -> list[Ranked]:
    """Sample without replacement by exponential clocks (Efraimidis and Spirakis, 2006)."""
    total = sum(state.weight for _, state in members)
    drawn = sorted(
        members, key=lambda item: rng.expovariate(item[1].weight) if item[1].weight else float("inf")
    )
    return [Ranked(index, f"drawn by weight {state.weight:g} of {total:g}") for index, state in drawn]


def _least_latency(members: _Members) -> list[Ranked]:
    fastest = min((state.measured for _, state in members if state.measured is not None), default=None)
    return [
        Ranked(index, _speed(state, fastest))
        for index, state in sorted(members, key=lambda item: item[1].latency)
    ]


def _speed(state: EndpointState, fastest: float | None) -> str:
    if state.measured is None:
        return "not measured yet"
    if state.measured == fastest:
        return f"fastest with {state.measured * 1000:.0f} ms to the first word"
    return f"{state.measured * 1000:.0f} ms to the first word when last measured"


def _lowest_cost(members: _Members) -> list[Ranked]:
    return [
        Ranked(index, "price unknown" if state.price is None else f"${state.price:.3f} per million tokens")
        for index, state in sorted(
            members, key=lambda item: (item[1].price is None, item[1].price or Decimal(0))
        )
    ]
