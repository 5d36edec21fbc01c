"""How long calls wait in a provider's queue: the recorded figures, and a distribution that has them.

Of 46 recorded calls to Groq the shortest wait was 0.005 s, the median 0.10 s and the longest 5.6 s. The
46 waits here have the same three: even steps of the logarithm below the median, and above it a Pareto
tail, as queues have them, whose one free number the longest wait settles.
"""

from __future__ import annotations

import math

__all__ = ("QUEUE_TIMES",)

_CALLS = 46
_SHORTEST, _MEDIAN, _LONGEST = 0.005, 0.10, 5.6
_TAIL = math.log(_CALLS / 2) / math.log(_LONGEST / _MEDIAN)  # so that one call of 46 waits longest


def _wait(rank: int) -> float:
    """The wait of the call of that rank, from 1 for the shortest."""
    half = _CALLS // 2
    if rank <= half:
        return _SHORTEST * (_MEDIAN / _SHORTEST) ** ((rank - 1) / (half - 1))
    return _MEDIAN * (half / (_CALLS - rank + 1)) ** (1 / _TAIL)


QUEUE_TIMES = tuple(_wait(rank) for rank in range(1, _CALLS + 1))
"""Seconds, from the shortest to the longest."""
