"""The models that the tests of voice stand on, real and random."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.voice_models import Clip


def _text(folder: Path, samples: np.ndarray) -> str:
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)
    segments, _ = model.transcribe(samples, language="en", beam_size=1, temperature=0.0, max_new_tokens=40)
    return "".join(segment.text for segment in segments).lower()


def test_real_weights_understand_real_speech(whisper_weights: Path, speech: tuple[Clip, ...]) -> None:
    clip = next(clip for clip in speech if "young man" in clip.words)
    text = _text(whisper_weights, clip.samples())
    assert {"not", "young", "man"} <= set(text.strip(" .").split())


def test_random_weights_write_something(random_whisper: Path) -> None:
    assert _text(random_whisper, np.zeros(16_000, np.float32)).strip().isascii()
