"""Fuzzy matching for completion: subsequences, best first."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ("best_matches", "score")

_BOUNDARIES = frozenset("/\\-_. :")


def score(query: str, candidate: str) -> float | None:
    """How well ``query`` fits ``candidate``; larger is better, ``None`` is no match.

    Letters must occur in order, any case. Runs, word starts and the last path part count more;
    long candidates count less.
    """
    if not query:
        return -len(candidate) / 1000
    lowered, wanted = candidate.lower(), query.lower()
    whole = lowered.find(wanted)
    name_at = lowered.rfind("/", 0, len(lowered) - 1) + 1
    if whole >= 0:
        in_name = lowered.find(wanted, name_at)
        at = in_name if in_name >= 0 else whole
        start = at == 0 or lowered[at - 1] in _BOUNDARIES
        return 100 + 40 * (at >= name_at) + 30 * start + 30 * (at == name_at) - len(candidate) / 100
    total, position, previous = 0.0, 0, -2
    for char in wanted:
        found = lowered.find(char, position)
        if found < 0:
            return None
        total += 3 if found == previous + 1 else 1
        total += 2 * (found == 0 or lowered[found - 1] in _BOUNDARIES)
        previous, position = found, found + 1
    return total - len(candidate) / 100


def best_matches(query: str, candidates: Iterable[str], limit: int) -> list[str]:
    """The ``limit`` best candidates, best first; equal ones in alphabetical order."""
    scored = [
        (value, candidate) for candidate in candidates if (value := score(query, candidate)) is not None
    ]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return [candidate for _, candidate in scored[:limit]]
