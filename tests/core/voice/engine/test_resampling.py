"""A device's rate brought to 16 kHz as it comes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.audio import SAMPLE_RATE
from core.voice.engine.resampling import Downsampler


def _tone(frequency: float, rate: int) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(rate) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", [16_000, 22_000, 44_100, 48_000])
def test_a_voice_stays_and_nothing_is_kept_back(rate: int) -> None:
    downsampler = Downsampler(rate)
    block = rate // 100
    pieces = [downsampler.convert(_tone(500, rate)[start : start + block]) for start in range(0, rate, block)]
    given_so_far = np.cumsum([len(piece) for piece in pieces])
    expected = (np.arange(len(pieces)) + 1) * block * SAMPLE_RATE / rate
    assert np.abs(given_so_far - expected).max() < SAMPLE_RATE // 1000
    converted = np.concatenate(pieces)[SAMPLE_RATE // 10 : -100]
    assert converted.std() == pytest.approx(1 / np.sqrt(2), rel=0.02)


def test_what_is_above_8_khz_does_not_fold_back() -> None:
    assert Downsampler(48_000).convert(_tone(12_000, 48_000))[1000:].std() < 0.01


@given(st.lists(st.integers(0, 700), min_size=1, max_size=30))
def test_how_it_is_cut_does_not_matter(sizes: list[int]) -> None:
    whole = np.random.default_rng(0).standard_normal(sum(sizes)).astype(np.float32)
    at_once, in_pieces = Downsampler(48_000), Downsampler(48_000)
    expected = at_once.convert(whole)
    cuts = np.cumsum(sizes)[:-1]
    found = np.concatenate([in_pieces.convert(piece) for piece in np.split(whole, cuts)])
    common = min(len(expected), len(found))
    assert abs(len(expected) - len(found)) <= 1
    assert np.allclose(expected[:common], found[:common], atol=1e-5)
