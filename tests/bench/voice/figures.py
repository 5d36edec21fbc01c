"""Figures beside what they are held to."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

__all__ = ("p50", "p95", "row")


def p50(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def p95(values: Sequence[float]) -> float:
    """What nineteen in twenty stay below."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def row(what: str, figure: float, unit: str, budget: float | None = None) -> None:
    """One line: a figure, and whether it keeps to its budget."""
    verdict = "" if budget is None else f"   budget {budget:g} {unit}{'' if figure <= budget else '  MISSED'}"
    print(f"{what:<58}{figure:>8.4g} {unit}{verdict}", flush=True)
