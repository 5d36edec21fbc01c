"""Voices for the tests of this folder: real eSpeak, in this process and in a child."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from core.voice.synthesis.engine import EngineMissing
from core.voice.synthesis.espeak import EspeakEngine
from core.voice.synthesis.process import ProcessSynthesiser


@pytest.fixture(scope="session")
def espeak() -> EspeakEngine:
    """The library in this process: one a process is all it can be."""
    try:
        return EspeakEngine()
    except EngineMissing as error:
        pytest.skip(str(error))


@pytest.fixture
async def synthesiser(espeak: EspeakEngine) -> AsyncIterator[ProcessSynthesiser]:
    """eSpeak in a child process, also where another engine is the system's own."""
    speaks = ProcessSynthesiser(driver="espeak")
    yield speaks
    await speaks.aclose()
