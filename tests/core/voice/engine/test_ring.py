"""The ring between two threads: what was written is what is read, wherever it wraps."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.voice.engine.ring import Ring

CAPACITY = 16


@given(st.lists(st.integers(0, CAPACITY), max_size=20), st.data())
def test_any_stretch_that_is_kept_reads_back(sizes: list[int], data: st.DataObject) -> None:
    ring = Ring(CAPACITY)
    everything = np.arange(sum(sizes), dtype=np.float32)
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        ring.write(everything[end - size : end])
    assert ring.written == len(everything)
    assert ring.oldest == max(0, len(everything) - CAPACITY)
    first = data.draw(st.integers(ring.oldest, ring.written))
    last = data.draw(st.integers(first, ring.written))
    found = np.empty(last - first, np.float32)
    ring.copy(first, found)
    assert found.tolist() == everything[first:last].tolist()
