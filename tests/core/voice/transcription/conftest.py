"""Speech for the tests of this folder, made by real eSpeak."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
import soxr

from core.errors import VoiceUnavailable
from core.voice.audio import SAMPLE_RATE, PcmChunk, Samples
from core.voice.synthesis.process import ProcessSynthesiser

QUESTION = "What is the weather like in Berlin today?"


async def _speak(text: str) -> list[PcmChunk]:
    synthesiser = ProcessSynthesiser(driver="espeak")
    try:
        return [chunk async for chunk in synthesiser.speak(text)]
    finally:
        await synthesiser.aclose()


@pytest.fixture(scope="session")
def question() -> Samples:
    """`QUESTION`, spoken, between two short silences."""
    try:
        chunks = asyncio.run(_speak(QUESTION))
    except VoiceUnavailable as error:
        pytest.skip(str(error))
    sound = np.frombuffer(b"".join(chunk.pcm for chunk in chunks), "<i2").astype(np.float32) / 32768
    silence = np.zeros(SAMPLE_RATE // 4, np.float32)
    return np.concatenate([silence, soxr.resample(sound, chunks[0].sample_rate, SAMPLE_RATE), silence])
