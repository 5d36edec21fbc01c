"""What a speaker's callback gets: the queue, with its volume, and silence at once when it is stopped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.engine.feed import Feed

RATE = 48_000
BLOCK = 480


def _taken(feed: Feed, blocks: int) -> np.ndarray:
    out = np.zeros((blocks, BLOCK), np.float32)
    for block in out:
        feed.take(block)
    return out.reshape(-1)


def _feed(samples: np.ndarray, volume: float = 1.0) -> Feed:
    feed = Feed(RATE, BLOCK, volume)
    feed.append(samples.astype(np.float32))
    return feed


@given(st.lists(st.integers(0, 3 * BLOCK), max_size=8))
def test_what_is_queued_is_played_once_and_in_order(sizes: list[int]) -> None:
    everything = np.arange(1, sum(sizes) + 1, dtype=np.float32)
    feed = Feed(RATE, BLOCK, 1.0)
    for piece in np.split(everything, np.cumsum(sizes)[:-1]) if sizes else []:
        feed.append(piece)
    played = _taken(feed, len(everything) // BLOCK + 2)
    assert played[: len(everything)].tolist() == everything.tolist()
    assert not played[len(everything) :].any()
    assert feed.cursor == feed.end == len(everything)
    assert feed.room > 0


def test_ducking_takes_less_than_30_ms_and_does_not_click() -> None:
    feed = _feed(np.ones(RATE // 4))
    _taken(feed, 1)
    feed.target = 0.2
    played = _taken(feed, 5)
    assert played[RATE * 3 // 100 :] == pytest.approx(0.2)
    assert np.abs(np.diff(played)).max() < 0.01
    feed.target = 1.0
    assert _taken(feed, 5)[RATE * 3 // 100 :] == pytest.approx(1.0)


def test_a_volume_set_in_silence_needs_no_ramp() -> None:
    feed = _feed(np.zeros(0), volume=0.0)
    feed.target = 1.0
    _taken(feed, 1)
    feed.append(np.ones(BLOCK, np.float32))
    assert _taken(feed, 1) == pytest.approx(1.0)


@given(old=st.integers(0, 10 * BLOCK), new=st.integers(0, 3 * BLOCK), before=st.integers(0, 4))
def test_stopping_is_silent_within_a_block_and_what_comes_after_is_whole(
    old: int, new: int, before: int
) -> None:
    feed = _feed(np.full(old, 0.5))
    _taken(feed, before)
    position = feed.forget()
    assert position == old
    fresh = np.arange(1, new + 1, dtype=np.float32) / RATE
    feed.append(fresh)
    played = _taken(feed, 6)
    faded = BLOCK if before * BLOCK < old else 0
    assert not played[RATE * 5 // 1000 : faded].any()
    assert played[faded : faded + new] == pytest.approx(fresh)
    assert np.abs(np.diff(played[:faded])).max(initial=0) < 0.01 or old - before * BLOCK < RATE // 200
