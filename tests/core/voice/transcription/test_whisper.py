"""Real decoding: of random weights for what surrounds it, of real ones for what is understood."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from core.errors import SpeechModelUnusable, TranscriptionFailed
from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.transcription.recogniser import LONGEST_PIECE, speech_pieces
from core.voice.transcription.transcriber import Hints
from core.voice.transcription.vocabulary import hints_for
from core.voice.transcription.whisper import WhisperTranscriber
from tests.voice_models import Clip


@pytest.fixture
async def nonsense(random_whisper: Path, tmp_path: Path) -> AsyncIterator[WhisperTranscriber]:
    transcriber = WhisperTranscriber(random_whisper, models_dir=tmp_path, threads=1)
    yield transcriber
    await transcriber.aclose()


@pytest.fixture
async def whisper(whisper_weights: Path, tmp_path: Path) -> AsyncIterator[WhisperTranscriber]:
    transcriber = WhisperTranscriber(whisper_weights, models_dir=tmp_path, threads=2)
    yield transcriber
    await transcriber.aclose()


async def test_human_speech_is_understood(whisper: WhisperTranscriber, speech: tuple[Clip, ...]) -> None:
    await whisper.warm()
    clip = next(clip for clip in speech if "amiable himself" in clip.words)
    heard = await whisper.transcribe(clip.samples(), Hints(language="en"), words=True)
    assert heard.text == "He might even have been made amiable himself."
    assert heard.confidence > 0.7
    assert heard.engine == "local"
    assert heard.cost == 0
    assert [word.text for word in heard.words][-2:] == ["amiable", "himself."]
    starts = [word.start for word in heard.words]
    assert starts == sorted(starts)
    assert 0 <= starts[0] < heard.words[-1].end <= heard.seconds + 0.5


async def test_the_language_is_detected_once(whisper: WhisperTranscriber, speech: tuple[Clip, ...]) -> None:
    longest = max((clip.samples() for clip in speech), key=len)
    first = await whisper.transcribe(longest, Hints())
    second = await whisper.transcribe(longest, Hints())
    assert first.language == second.language == "en"
    assert first.text == second.text


async def test_of_long_and_hurried_speech_no_word_is_lost(
    whisper: WhisperTranscriber, speech: tuple[Clip, ...]
) -> None:
    """As many tokens as fit into a window: half a minute of somebody who speaks fast has over a hundred."""
    read = [clip for clip in speech if len(clip.words.split()) > 6 and "spades" not in clip.words]
    clips = [*read, *read]
    slow = np.concatenate([clip.samples() for clip in clips])
    quick = np.interp(np.arange(0, len(slow), 1.5), np.arange(len(slow)), slow).astype(np.float32)
    pieces = speech_pieces(quick)
    heard = await whisper.transcribe(quick, Hints(language="en"))
    assert max(end - start for start, end in pieces) > 20 * SAMPLE_RATE
    words = sum(len(clip.words.split()) for clip in clips)
    assert len(heard.text.split()) == pytest.approx(words, rel=0.1)


async def test_silence_and_noise_give_no_text(nonsense: WhisperTranscriber) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 3 * SAMPLE_RATE).astype(np.float32)
    for samples in (np.zeros(0, np.float32), np.zeros(2 * SAMPLE_RATE, np.float32), noise):
        heard = await nonsense.transcribe(samples, Hints(language="en"))
        assert (heard.text, heard.rejected, heard.confidence) == ("", "", 0)


async def test_nonsense_is_rejected_with_a_reason(nonsense: WhisperTranscriber, question: Samples) -> None:
    heard = await nonsense.transcribe(question, hints_for(["TensorWall"], language="en"))
    assert heard.text == ""
    assert heard.rejected
    assert heard.seconds == pytest.approx(len(question) / SAMPLE_RATE)


async def test_a_newer_partial_overtakes_an_older(nonsense: WhisperTranscriber, question: Samples) -> None:
    go = threading.Event()
    busy = nonsense._worker.submit(lambda: go.wait(10), "final")
    partials = [
        asyncio.create_task(nonsense.transcribe(question, Hints(language="en"), purpose="partial"))
        for _ in range(3)
    ]
    await asyncio.sleep(0)  # all three wait now
    go.set()
    results = await asyncio.gather(*partials, return_exceptions=True)
    assert busy.result(0)
    assert [type(result) for result in results[:-1]] == [TranscriptionFailed] * 2
    assert not isinstance(results[-1], BaseException)


async def test_a_cancelled_recording_does_not_hold_up_the_next(
    nonsense: WhisperTranscriber, question: Samples
) -> None:
    waiting = asyncio.create_task(nonsense.transcribe(question, Hints(language="en")))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await nonsense.transcribe(np.zeros(SAMPLE_RATE, np.float32), Hints())).text == ""


async def test_unknown_languages_are_refused_with_a_hint(
    nonsense: WhisperTranscriber, question: Samples
) -> None:
    with pytest.raises(TranscriptionFailed, match="does not know the language xx"):
        await nonsense.transcribe(question, Hints(language="xx"))
    assert (await nonsense.transcribe(np.zeros(SAMPLE_RATE, np.float32), Hints())).text == ""


async def test_whatever_the_libraries_raise_the_next_recording_is_heard(
    nonsense: WhisperTranscriber, question: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException  # an `Exception`, no more

    def fail(*_: object) -> None:
        raise RuntimeException("bad allocation")

    with monkeypatch.context() as patch:
        patch.setattr("core.voice.transcription.recogniser.get_speech_timestamps", fail)
        with pytest.raises(TranscriptionFailed, match="bad allocation"):
            await nonsense.transcribe(question, Hints(language="en"))
    assert (await nonsense.transcribe(np.zeros(SAMPLE_RATE, np.float32), Hints())).text == ""


@pytest.fixture
def damaged(tmp_path: Path, random_whisper: Path) -> Path:
    folder = tmp_path / "damaged"
    folder.mkdir()
    for file in random_whisper.iterdir():
        (folder / file.name).write_bytes(file.read_bytes()[: 5000 if file.name == "model.bin" else None])
    return folder


async def test_missing_and_damaged_weights(tmp_path: Path, damaged: Path) -> None:
    missing = WhisperTranscriber("base", models_dir=tmp_path)
    with pytest.raises(SpeechModelUnusable, match="not on this machine"):
        await missing.warm()
    broken = WhisperTranscriber(damaged, models_dir=tmp_path)
    for _ in range(2):
        with pytest.raises(SpeechModelUnusable, match="cannot be loaded") as error:
            await broken.transcribe(np.zeros(SAMPLE_RATE, np.float32), Hints())
        assert "Delete" not in error.value.hint  # a folder that is not ours
    await missing.aclose()
    await broken.aclose()


async def test_closing_ends_the_thread(random_whisper: Path, tmp_path: Path) -> None:
    transcriber = WhisperTranscriber(random_whisper, models_dir=tmp_path)
    assert transcriber.label == f"Whisper {random_whisper.name}, here"
    await transcriber.warm()
    assert "whisper" in {thread.name for thread in threading.enumerate()}
    await transcriber.aclose()
    assert "whisper" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(TranscriptionFailed, match="closed"):
        await transcriber.transcribe(np.zeros(10, np.float32), Hints())
    await transcriber.aclose()


def test_long_speech_is_cut_at_pauses(question: Samples) -> None:
    sound = np.concatenate([np.zeros(2 * SAMPLE_RATE, np.float32), *[question] * 20])
    pieces = speech_pieces(sound)
    assert len(pieces) >= 2
    assert all((end - start) / SAMPLE_RATE <= LONGEST_PIECE for start, end in pieces)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(pieces))
    assert pieces[0][0] > SAMPLE_RATE  # the silence before it is left out
    assert pieces[-1][1] > len(sound) - SAMPLE_RATE
