"""How well a policy chooses among routes whose speed changes: seconds lost against whoever knows them all.

Everything is drawn from a seed and nothing from the policy, so that all policies meet the same calls: a
call at a time takes as long on a route whichever policy sends it there.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from core.errors import ServerFailed
from core.routing.health import EndpointHealth
from core.routing.latency import DecayingMean
from core.routing.strategy import EndpointState, LoadBalanceStrategy, rank

_SPREAD = 0.6
"""Of the logarithm of the times to the first word: about that of the recorded queues, median 0.1 s."""
_TO_FAIL = 0.8
"""Seconds until a call fails."""
HOURS = 2.0
_BETWEEN = 15.0
"""Seconds from one call to the next, on average."""


@dataclass(frozen=True, slots=True)
class Route:
    """What a route does at a time: its median seconds to the first word, infinite while it is out."""

    median: Callable[[float], float]


def steady(seconds: float) -> Route:
    return Route(lambda now: seconds)


def drifting(seconds: float, period: float, phase: float) -> Route:
    """Three times as slow at its worst as at its best."""
    return Route(lambda now: seconds * math.exp(0.55 * math.sin(2 * math.pi * (now / period + phase))))


def broken(seconds: float, begin: float, end: float) -> Route:
    """Out from ``begin`` to ``end``."""
    return Route(lambda now: math.inf if begin <= now < end else seconds)


def slowed(seconds: float, begin: float, end: float) -> Route:
    """Ten times as slow from ``begin`` to ``end``, and then as before."""
    return Route(lambda now: 10 * seconds if begin <= now < end else seconds)


SCENARIOS: dict[str, list[Route]] = {
    "drift": [drifting(0.4, 3_600, phase) for phase in (0.0, 1 / 3, 2 / 3)],
    "outage": [broken(0.25, 1_800, 3_000), steady(0.5), steady(0.8)],
    "recovery": [slowed(0.25, 0, 1_500), steady(0.5), slowed(0.4, 3_000, 5_000)],
}


class Policy(Protocol):
    """Ranks routes, and is told how it went."""

    def order(self, now: float) -> Sequence[int]:
        """The routes, best first."""

    def answered(self, route: int, seconds: float, now: float) -> None:
        """It began its answer, ``seconds`` after it was asked."""

    def failed(self, route: int, seconds: float, now: float) -> None:
        """It failed."""


class Ours:
    """`LoadBalanceStrategy.LEAST_LATENCY` as the router ranks by it, health and circuits included."""

    def __init__(self, count: int) -> None:
        self._now = 0.0
        self._health = [EndpointHealth(lambda: self._now) for _ in range(count)]

    def order(self, now: float) -> Sequence[int]:
        self._now = now
        states = [
            EndpointState(
                problem=health.problem,
                ready_in=health.ready_at - now,
                latency=health.first_sentence(now),
                measured=health.first_content.mean,
            )
            for health in self._health
        ]
        plan = rank(LoadBalanceStrategy.LEAST_LATENCY, states, turn=0, rng=Random(0))
        return [place.index for place in plan.ranked]

    def answered(self, route: int, seconds: float, now: float) -> None:
        self._now = now
        self._health[route].started()
        self._health[route].began(seconds)
        self._health[route].answered(seconds)

    def failed(self, route: int, seconds: float, now: float) -> None:
        self._now = now
        self._health[route].started()
        self._health[route].failed(ServerFailed("It failed."), seconds)


class PeakMean(DecayingMean):
    """Jumps to a time that is longer than it, and forgets that as slowly as any."""

    def observe(self, seconds: float, now: float) -> None:
        if self.mean is not None and seconds > self.mean:
            self._weight, self._mean, self._updated = self._weight_at(now) + 1.0, seconds, now
        else:
            super().observe(seconds, now)


class PeakEwma(Ours):
    """As ours, by the mean that balancers over many replicas use (Finagle, linkerd, tower)."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        for health in self._health:
            health.first_content = PeakMean()


class RoundRobin:
    """Each in turn, and the next one where it fails."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._turn = -1

    def order(self, now: float) -> Sequence[int]:
        self._turn += 1
        return [(self._turn + step) % self._count for step in range(self._count)]

    def answered(self, route: int, seconds: float, now: float) -> None: ...

    def failed(self, route: int, seconds: float, now: float) -> None: ...


class LastTen:
    """LiteLLM's: the mean of the last ten times; who fails is left out for five seconds."""

    def __init__(self, count: int) -> None:
        self._times: list[deque[float]] = [deque(maxlen=10) for _ in range(count)]
        self._out_until = [-math.inf] * count

    def order(self, now: float) -> Sequence[int]:
        def score(route: int) -> tuple[bool, float]:
            times = self._times[route]
            return now < self._out_until[route], sum(times) / len(times) if times else 0.0

        return sorted(range(len(self._times)), key=score)

    def answered(self, route: int, seconds: float, now: float) -> None:
        self._times[route].append(seconds)

    def failed(self, route: int, seconds: float, now: float) -> None:
        self._out_until[route] = now + 5


class Lifetime:
    """The mean of all times ever, of those that have one; a circuit of five failures and a minute."""

    def __init__(self, count: int) -> None:
        self._sums = [0.0] * count
        self._counts = [0] * count
        self._failures = [0] * count
        self._out_until = [-math.inf] * count

    def order(self, now: float) -> Sequence[int]:
        def score(route: int) -> tuple[bool, float]:
            count = self._counts[route]
            return now < self._out_until[route], self._sums[route] / count if count else math.inf

        return sorted(range(len(self._counts)), key=score)

    def answered(self, route: int, seconds: float, now: float) -> None:
        self._sums[route] += seconds
        self._counts[route] += 1

    def failed(self, route: int, seconds: float, now: float) -> None:
        self._failures[route] += 1
        if self._failures[route] >= 5:
            self._failures[route], self._out_until[route] = 0, now + 60


POLICIES: dict[str, Callable[[int], Policy]] = {
    "TensorWall": Ours,
    "round robin": RoundRobin,
    "mean of the last ten": LastTen,
    "lifetime mean": Lifetime,
    "peak mean": PeakEwma,
}


@dataclass(slots=True)
class Lost:
    """Seconds to the first word, beyond those of the route that is fastest by its median, a call."""

    regrets: list[float] = field(default_factory=list)

    @property
    def mean(self) -> float:
        return sum(self.regrets) / len(self.regrets)


def regret(policy: str, scenario: str, seed: int) -> float:
    """Mean seconds lost a call."""
    routes, rng = SCENARIOS[scenario], Random(seed)
    chooses, lost, now = POLICIES[policy](len(routes)), Lost(), 0.0
    while (now := now + rng.expovariate(1 / _BETWEEN)) < HOURS * 3_600:
        luck = [math.exp(rng.gauss(0.0, _SPREAD)) for _ in routes]
        times = [route.median(now) * factor for route, factor in zip(routes, luck, strict=True)]
        best = min(range(len(routes)), key=lambda route: routes[route].median(now))
        lost.regrets.append(_asked(chooses, times, now) - times[best])
    return lost.mean


def _asked(policy: Policy, times: Sequence[float], now: float) -> float:
    """Seconds until an answer begins, failures on the way included."""
    spent = 0.0
    for route in policy.order(now):
        if math.isfinite(times[route]):
            policy.answered(route, times[route], now + spent + times[route])
            return spent + times[route]
        spent += _TO_FAIL
        policy.failed(route, _TO_FAIL, now + spent)
    return spent
