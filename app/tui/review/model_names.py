"""What models are called where there is little room."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from app.cells import one_line

__all__ = ("short_names",)


def short_names(models: Iterable[str]) -> Mapping[str, str]:
    """Each without its maker's name, unless two of them would be called the same."""
    tails = {model: model.rpartition("/")[2] for model in models}
    counted = Counter(tails.values())
    return {model: one_line(tail if counted[tail] == 1 else model) for model, tail in tails.items()}
