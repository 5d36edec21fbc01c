"""pyttsx3 writing files, as on Windows and macOS; here with its eSpeak driver."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from core.errors import SynthesisFailed, VoiceUnavailable
from core.voice.audio import PcmChunk
from core.voice.synthesis.espeak import EspeakEngine
from core.voice.synthesis.process import ProcessSynthesiser
from core.voice.synthesis.words import word_spans


@pytest.fixture
async def by_file(
    espeak: EspeakEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ProcessSynthesiser]:
    """The driver's voices in a child whose temporary files are in ``tmp_path``."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    synthesiser = ProcessSynthesiser(driver="file:espeak")
    yield synthesiser
    await synthesiser.aclose()


async def spoken(synthesiser: ProcessSynthesiser, text: str) -> PcmChunk:
    async with aclosing(synthesiser.speak(text)) as sound:
        [chunk] = [chunk async for chunk in sound]
    return chunk


async def test_text_after_text_is_whole_and_its_own(by_file: ProcessSynthesiser, tmp_path: Path) -> None:
    """Of several texts pyttsx3 would write only the last, and of its first only a beginning."""
    lengths = [
        (await spoken(by_file, text)).seconds
        for text in ("Hello there.", "This one is a good deal longer than the first.", "Hello there.")
    ]
    assert lengths[0] == pytest.approx(lengths[2], abs=0.05)
    assert lengths[1] > 1.8 * lengths[0]
    assert not os.listdir(tmp_path)  # noqa: PTH208 - pathlib's blocks, says ruff, in an async function


async def test_every_word_has_an_estimated_mark(by_file: ProcessSynthesiser) -> None:
    text = "Every wörd, and 21 more."
    chunk = await spoken(by_file, text)
    assert [(mark.start, mark.end) for mark in chunk.marks] == word_spans(text)
    assert all(0 <= mark.at < chunk.seconds for mark in chunk.marks)


async def test_estimates_are_close_to_what_the_engine_knows(
    by_file: ProcessSynthesiser, synthesiser: ProcessSynthesiser
) -> None:
    text = "Streaming tokens arrive at five hundred a second, which is faster than anybody can read."
    estimated = (await spoken(by_file, text)).marks
    async with aclosing(synthesiser.speak(text)) as sound:
        known = [mark async for chunk in sound for mark in chunk.marks]
    for guess, truth in zip(estimated, known, strict=True):
        assert guess.at == pytest.approx(truth.at, abs=0.5)


async def test_a_language_takes_a_voice_of_it(by_file: ProcessSynthesiser) -> None:
    english = await spoken(by_file, "Eins zwei drei vier")
    by_file.language = "de"
    german = await spoken(by_file, "Eins zwei drei vier")
    assert german.pcm != english.pcm
    by_file.language = None
    assert (await spoken(by_file, "Eins zwei drei vier")).seconds == pytest.approx(english.seconds, abs=0.05)


async def test_rate_counts(by_file: ProcessSynthesiser) -> None:
    by_file.rate = 100
    slow = await spoken(by_file, "How fast is it?")
    by_file.rate = 300
    assert (await spoken(by_file, "How fast is it?")).seconds < 0.6 * slow.seconds


async def test_what_is_not_there_is_named(by_file: ProcessSynthesiser) -> None:
    by_file.voice = "nobody"
    with pytest.raises(SynthesisFailed, match="no voice 'nobody'"):
        await spoken(by_file, "Hello")
    by_file.voice, by_file.language = None, "xx"
    with pytest.raises(SynthesisFailed, match="no voice for the language 'xx'"):
        await spoken(by_file, "Hello")


async def test_voices_can_be_chosen(by_file: ProcessSynthesiser) -> None:
    voices = await by_file.voices()
    assert any("de" in voice.languages for voice in voices)
    by_file.voice = voices[0].id
    assert (await spoken(by_file, "Hello")).seconds > 0.2


async def test_a_driver_of_another_system_is_missing() -> None:
    synthesiser = ProcessSynthesiser(driver="sapi5")
    with pytest.raises(VoiceUnavailable, match="not installed") as missing:
        await synthesiser.warm()
    assert "[voice]" in missing.value.hint
