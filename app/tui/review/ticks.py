"""Round numbers for the axes of a chart."""

from __future__ import annotations

from decimal import Decimal
from math import ceil

__all__ = ("round_ticks",)

_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))


def round_ticks(highest: float, most: int = 5) -> list[float]:
    """From 0 in equal steps of 1, 2, 2.5 or 5 times a power of ten to ``highest`` or just above it.

    Args:
        highest: what the axis has to reach; nothing stands for 1.
        most: steps at most.
    """
    top = Decimal(str(highest)) if highest > 0 else Decimal(1)
    least = top / most
    power = Decimal(10) ** least.adjusted()
    step = next(step * power for step in _STEPS if step * power >= least)
    return [float(step * at) for at in range(ceil(top / step) + 1)]
