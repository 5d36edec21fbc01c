from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.transcription.short_window import (
    FLOOR,
    FULL_WINDOW,
    MARGIN,
    STEP,
    WIDE,
    ShortWindowModel,
    wider_windows,
    window_frames,
)


def padded(frames: int) -> np.ndarray:
    """A window as Whisper's features come: so many frames of sound, and zeros."""
    features = np.zeros((80, FULL_WINDOW), np.float32)
    features[:, :frames] = -1.5  # what exact silence is in the logarithm
    return features


@given(st.integers(0, FULL_WINDOW))
def test_a_window_holds_the_sound_and_a_margin(frames: int) -> None:
    window = window_frames(padded(frames))
    assert FLOOR <= window <= FULL_WINDOW
    assert window >= min(frames + MARGIN, FULL_WINDOW)
    assert window == FULL_WINDOW or window % STEP == 0
    assert window == FLOOR or window < frames + MARGIN + STEP


@pytest.mark.parametrize(("seconds", "window"), [(0.5, FLOOR), (4, 600), (29, FULL_WINDOW)])
def test_the_encoder_gets_the_short_window(random_whisper: Path, seconds: float, window: int) -> None:
    model = ShortWindowModel(str(random_whisper), device="cpu", compute_type="int8", local_files_only=True)
    positions = window // 2  # the encoder halves them
    features = padded(int(seconds * 100))
    assert model.encode(features).shape[1] == positions
    with model.at_least(WIDE):
        assert model.encode(features).shape[1] == max(positions, WIDE // 2)
    with model.full_window():
        assert model.encode(features).shape[1] == FULL_WINDOW // 2
    assert model.encode(features).shape[1] == positions


@given(st.floats(0, 30))
def test_wider_windows_are_wider_and_end_with_the_one_whisper_knows(seconds: float) -> None:
    windows = (window_frames(padded(int(seconds * 100))), *wider_windows(seconds))
    assert windows[-1] == FULL_WINDOW
    assert list(windows) == sorted(windows)
    assert len(windows[:-1]) == len(set(windows[:-1]))
