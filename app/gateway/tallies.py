"""Counts of one process, as plain numbers: an event loop is alone with them, so they need no lock."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ("SECONDS", "Labels", "Spread", "Tallies")

Labels = tuple[str, ...]
SECONDS = (
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
    120,
)
"""Upper bounds in which times are counted."""


@dataclass(slots=True)
class Spread:
    """How often times were how long.

    Attributes:
        counts: how many fell under each bound of `SECONDS` and over the one before; the last, over all.
        total: of the times, in seconds.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        """Count a time."""
        self.counts[bisect_left(SECONDS, seconds)] += 1
        self.total += seconds

    def add(self, other: Spread) -> None:
        """Count all that the other has counted."""
        self.counts = [one + more for one, more in zip(self.counts, other.counts, strict=True)]
        self.total += other.total


@dataclass(slots=True)
class Tallies:
    """What was counted, by the metric's name and then by the values of its labels.

    Attributes:
        counters: only ever grow.
        gauges: as it is now; those of processes add up.
        levels: as it is now; of processes the lowest counts.
        spreads: times.
    """

    counters: dict[str, dict[Labels, float]] = field(default_factory=lambda: defaultdict(_zeros))
    gauges: dict[str, dict[Labels, float]] = field(default_factory=lambda: defaultdict(_zeros))
    levels: dict[str, dict[Labels, float]] = field(default_factory=lambda: defaultdict(_zeros))
    spreads: dict[str, dict[Labels, Spread]] = field(default_factory=lambda: defaultdict(_spreads))

    def add(self, other: Tallies, *, alive: bool = True) -> None:
        """Add what another process has counted; what is so now only where that process is alive."""
        _add(self.counters, other.counters)
        if alive:
            _add(self.gauges, other.gauges)
            for name, levels in other.levels.items():
                for labels, value in levels.items():
                    self.levels[name][labels] = min(value, self.levels[name].get(labels, value))
        for name, found in other.spreads.items():
            for labels, spread in found.items():
                self.spreads[name][labels].add(spread)

    def dump(self) -> dict[str, Any]:
        """Everything, as JSON can have it."""
        return {
            "counters": _rows(self.counters),
            "gauges": _rows(self.gauges),
            "levels": _rows(self.levels),
            "spreads": [
                (name, labels, spread.counts, spread.total)
                for name, found in self.spreads.items()
                for labels, spread in found.items()
            ],
        }

    @classmethod
    def load(cls, dumped: Mapping[str, Any]) -> Tallies:
        """What `dump` has made."""
        tallies = cls()
        for kind in ("counters", "gauges", "levels"):
            for name, labels, value in dumped[kind]:
                getattr(tallies, kind)[name][tuple(labels)] = value
        for name, labels, counts, total in dumped["spreads"]:
            tallies.spreads[name][tuple(labels)] = Spread(counts, total)
        return tallies


def _zeros() -> dict[Labels, float]:
    return defaultdict(float)


def _spreads() -> dict[Labels, Spread]:
    return defaultdict(Spread)


def _add(into: dict[str, dict[Labels, float]], more: Mapping[str, Mapping[Labels, float]]) -> None:
    for name, found in more.items():
        for labels, value in found.items():
            into[name][labels] += value


def _rows(kind: Mapping[str, Mapping[Labels, float]]) -> Iterable[tuple[str, Labels, float]]:
    return [(name, labels, value) for name, found in kind.items() for labels, value in found.items()]
