"""The latest minutes, asked for by time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.audio import SAMPLE_RATE
from core.voice.engine.kept_sound import KeptSound

BLOCK = SAMPLE_RATE // 100


def _filled(seconds: float, kept: float = 2.0) -> KeptSound:
    """Holds a rising count, one a sample, that began at time 0."""
    sound = KeptSound(kept)
    samples = np.arange(round(seconds * SAMPLE_RATE), dtype=np.float32)
    for end in range(BLOCK, len(samples) + 1, BLOCK):
        sound.append(samples[end - BLOCK : end], end / SAMPLE_RATE)
    return sound


@given(st.floats(-1, 4), st.floats(-1, 4))
def test_an_interval_gives_its_samples_as_far_as_they_are_kept(since: float, until: float) -> None:
    found = _filled(3.0).between(since, until)
    first, last = (min(max(round(at * SAMPLE_RATE), SAMPLE_RATE), 3 * SAMPLE_RATE) for at in (since, until))
    assert len(found) == pytest.approx(max(0, last - first), abs=1)
    if len(found):
        assert found[0] == pytest.approx(first, abs=1)


def test_what_was_lost_is_silence_and_the_rest_keeps_its_time() -> None:
    sound = _filled(0.5)
    sound.append(np.ones(BLOCK, np.float32), 1.01)
    assert not sound.between(0.55, 0.95).any()
    assert sound.between(1.0, 1.01).all()
    assert sound.between(0.0, 0.5)[-1] == pytest.approx(SAMPLE_RATE / 2, abs=2)


def test_sound_that_came_a_little_late_is_not_torn() -> None:
    sound = _filled(0.5)
    sound.append(np.ones(BLOCK, np.float32), 0.53)
    assert len(sound.between(-1, 1)) == SAMPLE_RATE // 2 + BLOCK


def test_nothing_was_heard_yet() -> None:
    assert len(KeptSound(1.0).between(0, 1)) == 0
