"""What can be wrong with a microphone that works."""

from __future__ import annotations

import numpy as np
import pytest

from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.engine.resampling import Downsampler
from core.voice.engine.trouble import TroubleFinder

_RANDOM = np.random.default_rng(0)


def _noise(seconds: float, loudness: float) -> Samples:
    return (loudness * _RANDOM.standard_normal(round(seconds * SAMPLE_RATE))).astype(np.float32)


def _found(samples: Samples, lost: int = 0) -> list[str]:
    finder = TroubleFinder()
    found = [trouble.kind for trouble in finder.look(samples[:160], lost)]
    for start in range(160, len(samples), 160):
        found += [trouble.kind for trouble in finder.look(samples[start : start + 160], 0)]
    return found


def test_a_good_microphone_is_not_spoken_of() -> None:
    assert _found(_noise(20, 0.05)) == []
    assert _found(_noise(20, 0.0001)) == []


def test_exact_silence_is_told_once() -> None:
    assert _found(np.zeros(30 * SAMPLE_RATE, np.float32)) == ["zeros"]
    assert _found(np.zeros(2 * SAMPLE_RATE, np.float32)) == []


def test_a_trouble_that_was_over_is_told_again() -> None:
    loud, fair = np.clip(_noise(3, 1.0), -1, 1), _noise(12, 0.01)
    assert _found(np.concatenate((loud, fair, loud))) == ["clipping", "clipping"]


def test_a_microphone_that_is_silent_between_words_is_not_spoken_of() -> None:
    pause = np.zeros(5 * SAMPLE_RATE, np.float32)
    words = _noise(2, 0.05)
    assert _found(np.concatenate((words, pause, pause, pause, words, pause))) == []


def test_a_microphone_that_was_muted_later_is_told() -> None:
    assert _found(np.concatenate((_noise(1, 0.05), np.zeros(70 * SAMPLE_RATE, np.float32)))) == ["zeros"]


def test_an_overdriven_microphone() -> None:
    assert _found(np.clip(_noise(3, 1.0), -1, 1)) == ["clipping"]


def test_a_headset_in_call_quality() -> None:
    narrow = Downsampler(8_000).convert(_noise(4, 0.1)[: 4 * 8_000])
    smooth = np.convolve(narrow, np.sinc(np.arange(-100, 101) / 2.2) * np.hamming(201) / 2.2, "same")
    assert _found(smooth.astype(np.float32)) == ["narrow"]


def test_losses_that_add_up() -> None:
    assert _found(_noise(5, 0.01), lost=3) == ["overruns"]
    assert _found(_noise(5, 0.01), lost=1) == []


@pytest.mark.parametrize("kind", ["zeros", "clipping", "narrow", "overruns"])
def test_each_says_what_can_be_done(kind: str) -> None:
    finder = TroubleFinder()
    sounds = {
        "zeros": (np.zeros(4 * SAMPLE_RATE, np.float32), 0),
        "clipping": (np.ones(SAMPLE_RATE, np.float32), 0),
        "overruns": (_noise(1, 0.01), 3),
        "narrow": (0.5 * np.sin(np.arange(3 * SAMPLE_RATE) / 5).astype(np.float32), 0),
    }
    samples, lost = sounds[kind]
    (trouble, *_) = finder.look(samples, lost)
    assert trouble.kind == kind
    assert trouble.hint
