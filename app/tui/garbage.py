"""Garbage collection that does not halt the screen while an answer streams."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ("brief_collections",)


@contextmanager
def brief_collections() -> Iterator[None]:
    """Within the block, collections look only at what was made in it.

    A full collection walks every object there is, those of all modules too, and would hold up a
    key or a frame for about 0.1 s several times an answer. What exists now is passed over instead.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
