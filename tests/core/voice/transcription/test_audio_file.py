from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.voice.audio import SAMPLE_RATE
from core.voice.transcription.audio_file import AudioFile


def tone(seconds: float, rate: int = 44_100, channels: int = 2) -> bytes:
    """A WAV file of 440 Hz, half as loud as can be."""
    one = 16_000 * np.sin(2 * np.pi * 440 * np.arange(int(rate * seconds)) / rate)
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(np.repeat(one.astype("<i2"), channels).tobytes())
    return made.getvalue()


def compressed(seconds: float, kind: str, codec: str) -> bytes:
    import av

    made = io.BytesIO()
    with av.open(io.BytesIO(tone(seconds, 48_000))) as source, av.open(made, "w", format=kind) as target:
        stream = target.add_stream(codec, rate=48_000)
        for frame in source.decode(audio=0):
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return made.getvalue()


def read(source: Path | io.BytesIO) -> np.ndarray:
    with AudioFile(source, "the file") as sound:
        return np.concatenate([np.zeros(0, np.float32), *sound.samples()])


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (16_000, 1), (8_000, 1), (96_000, 2)])
def test_sound_comes_mono_at_our_rate(tmp_path: Path, rate: int, channels: int) -> None:
    file = tmp_path / "tone.wav"
    file.write_bytes(tone(1.5, rate, channels))
    samples = read(file)
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(1.5 * SAMPLE_RATE, abs=200)
    assert np.abs(samples).max() == pytest.approx(0.49, abs=0.02)
    crossings = np.count_nonzero(np.diff(np.signbit(samples)))
    assert crossings == pytest.approx(2 * 440 * 1.5, abs=6)
    with AudioFile(file, "tone") as sound:
        assert sound.seconds == pytest.approx(1.5, abs=0.01)


@pytest.mark.parametrize(("kind", "codec"), [("flac", "flac"), ("ogg", "libopus"), ("matroska", "aac")])
def test_other_kinds_of_file_are_read(kind: str, codec: str) -> None:
    samples = read(io.BytesIO(compressed(1.0, kind, codec)))
    assert len(samples) == pytest.approx(SAMPLE_RATE, rel=0.15)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"This is a letter, not a song.\n" * 100, "is no sound that can be read"),
        (bytes(range(256)) * 50, "is no sound that can be read"),
    ],
)
def test_what_is_no_sound_is_said(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "file.wav"
    file.write_bytes(content)
    with pytest.raises(InputError, match=words):
        read(file)


def test_paths_that_lead_nowhere_are_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read(tmp_path / "missing.wav")
    with pytest.raises(InputError, match="is a folder"):
        read(tmp_path)


def test_a_colon_in_a_name_is_no_protocol(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("10:30.wav").write_bytes(tone(0.5))
    assert len(read(Path("10:30.wav"))) == pytest.approx(0.5 * SAMPLE_RATE, rel=0.05)


def test_a_picture_has_no_sound() -> None:
    pixel = bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c636000000200"
        "01e221bc330000000049454e44ae426082"
    )
    with pytest.raises(InputError, match="There is no sound in"):
        read(io.BytesIO(pixel))


def test_a_file_that_was_cut_gives_what_there_is_and_says_so() -> None:
    whole = compressed(3.0, "flac", "flac")
    pieces = []
    cut = io.BytesIO(whole[: len(whole) // 2])
    with AudioFile(cut, "it") as sound, pytest.raises(InputError, match="it is damaged after 1 s"):
        pieces.extend(sound.samples())
    assert 0.5 < sum(map(len, pieces)) / SAMPLE_RATE < 2.5
