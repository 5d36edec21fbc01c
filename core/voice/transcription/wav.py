"""Samples as a file that others can read."""

from __future__ import annotations

import io
import wave

from core.voice.audio import SAMPLE_RATE, Samples

__all__ = ("wav_of",)


def wav_of(samples: Samples) -> bytes:
    """A WAV file: 16 bits, mono, at ``SAMPLE_RATE``; what is louder than full scale is clipped."""
    pcm = (samples.clip(-1.0, 1.0) * 32767).astype("<i2").tobytes()
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        sound.writeframes(pcm)
    return made.getvalue()
