"""The models whose calls are in no sum of money, since nobody here knows their price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from app.cells import one_line
from app.cli.costs_tables import number_of

if TYPE_CHECKING:
    from core.costs.ledger_records import Totals
    from core.review import Scope
    from core.review.review import Review

__all__ = ("of_scope", "unpriced_lines")

_SHOWN = 5


async def of_scope(review: Review, scope: Scope, totals: Totals) -> list[str]:
    """Lines on the models in the scope; ``totals`` are its sums, which tell whether there are any."""
    if not totals.unknown_price_calls:
        return []
    groups = await review.groups(("provider", "model"), scope)
    calls = Counter({"/".join(map(str, part.keys)): part.totals.unknown_price_calls for part in groups})
    return unpriced_lines(dict(calls.most_common()))


def unpriced_lines(models: Mapping[str, int]) -> list[str]:
    """A line a model with how many calls it has, in their order; of many models the first ones."""
    told = [(name, calls) for name, calls in models.items() if calls]
    lines = [f"  {one_line(name)}: {number_of(calls, 'call')}" for name, calls in told[:_SHOWN]]
    if more := told[_SHOWN:]:
        calls = number_of(sum(calls for _, calls in more), "call")
        lines.append(f"  … and {number_of(len(more), 'more model')}: {calls}")
    return lines
