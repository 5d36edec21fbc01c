from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.transcription.long_recording import Heard, PieceCutter, transcribe_long
from core.voice.transcription.transcriber import Hints
from core.voice.transcription.whisper import WhisperTranscriber
from tests.voice_models import Clip


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * SAMPLE_RATE), np.float32)


def in_parts(sound: Samples, size: int = 4_000) -> Iterator[Samples]:
    for start in range(0, len(sound), size):
        yield sound[start : start + size]


def test_pieces_are_where_somebody_speaks(question: Samples) -> None:
    sound = np.concatenate([silence(70), question, silence(80), *[question] * 30, silence(5)])
    cutter = PieceCutter()
    pieces = [piece for part in in_parts(sound) for piece in cutter.feed(part)] + cutter.finish()
    assert cutter.seconds == pytest.approx(len(sound) / SAMPLE_RATE)
    starts = [piece.start for piece in pieces]
    ends = [piece.start + len(piece.samples) / SAMPLE_RATE for piece in pieces]
    assert starts[0] == pytest.approx(70, abs=0.5)
    assert starts[1] == pytest.approx(150 + len(question) / SAMPLE_RATE, abs=0.5)
    assert all(start >= end - 1e-6 for start, end in zip(starts[1:], ends[:-1], strict=True))
    assert all(len(piece.samples) <= 28 * SAMPLE_RATE for piece in pieces)
    for piece in pieces:  # each is the sound of its place
        at = round(piece.start * SAMPLE_RATE)
        assert np.array_equal(piece.samples, sound[at : at + len(piece.samples)])
    spoken = sum(len(piece.samples) for piece in pieces) / len(question)
    assert spoken == pytest.approx(31, abs=3)


def test_nothing_is_a_piece_of_silence() -> None:
    cutter = PieceCutter()
    assert [piece for part in in_parts(silence(200)) for piece in cutter.feed(part)] == []
    assert cutter.finish() == []
    assert PieceCutter().finish() == []


async def test_a_long_recording_is_understood_as_it_is_read(
    whisper_weights: Path, speech: tuple[Clip, ...], tmp_path: Path
) -> None:
    clips = [clip.samples() for clip in speech if len(clip.samples()) < 5 * SAMPLE_RATE][:2]
    sound = np.concatenate([clips[0], silence(60), clips[1]])
    whisper = WhisperTranscriber(whisper_weights, models_dir=tmp_path, threads=2)
    try:
        stream = transcribe_long(in_parts(sound), whisper, Hints(language="en"), words=True)
        heard = [item async for item in stream if isinstance(item, Heard)]
    finally:
        await whisper.aclose()
    first, second = heard
    assert first.transcript.text
    assert second.start > 60
    assert second.transcript.words[0].start >= second.start - 0.1
    assert second.transcript.words[-1].end <= len(sound) / SAMPLE_RATE + 0.5


async def test_what_came_before_damage_is_given(
    random_whisper: Path, question: Samples, tmp_path: Path
) -> None:
    def damaged() -> Iterator[Samples]:
        yield question
        raise InputError("It is damaged after 2 s.")

    whisper = WhisperTranscriber(random_whisper, models_dir=tmp_path, threads=1)
    stream = transcribe_long(damaged(), whisper, Hints(language="en"))
    heard = [await anext(stream)]
    with pytest.raises(InputError, match="damaged"):
        heard += [item async for item in stream]
    assert isinstance(heard[0], Heard)
    await whisper.aclose()


async def test_cancelling_waits_for_the_reader(random_whisper: Path, tmp_path: Path) -> None:
    reading, read, go = asyncio.Event(), list[bool](), threading.Event()
    loop = asyncio.get_running_loop()

    def slow() -> Iterator[Samples]:
        loop.call_soon_threadsafe(reading.set)
        assert go.wait(10)
        read.append(True)
        yield silence(1)

    whisper = WhisperTranscriber(random_whisper, models_dir=tmp_path, threads=1)
    task = asyncio.ensure_future(anext(transcribe_long(slow(), whisper, Hints())))
    await reading.wait()
    task.cancel()
    loop.call_later(0.05, go.set)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert read == [True]
    await whisper.aclose()
