"""Speech for the engine's tests: real speech of eSpeak NG."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave
from functools import cache

import numpy as np
import pytest
import soxr

from core.voice.audio import SAMPLE_RATE, PcmChunk, Samples

__all__ = ("ANSWER", "QUESTION", "chunk", "spoken")

ANSWER = (
    "The quick brown fox jumps over the lazy dog. This is a long answer about nothing in particular, "
    "and it goes on for quite a while."
)
QUESTION = "What is the weather going to be tomorrow in the afternoon?"


@cache
def chunk(text: str) -> PcmChunk:
    """``text`` spoken; skips the test where there is no eSpeak NG."""
    program = shutil.which("espeak-ng")
    if program is None:
        pytest.skip("no speech to test with: espeak-ng is not installed")
    ran = subprocess.run(
        [program, "-v", "en-us", "--stdout", text], capture_output=True, check=True, timeout=30
    )
    with wave.open(io.BytesIO(ran.stdout)) as sound:
        return PcmChunk(sound.readframes(sound.getnframes()), sound.getframerate())


def spoken(text: str) -> Samples:
    """The same as the microphone would hear it."""
    speech = chunk(text)
    samples = np.frombuffer(speech.pcm, "<i2").astype(np.float32) / 32_768
    resampled: Samples = soxr.resample(samples, speech.sample_rate, SAMPLE_RATE)
    return resampled
