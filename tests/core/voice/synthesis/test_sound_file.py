"""Reading the sound that others make."""

from __future__ import annotations

import io
import struct
import wave

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.voice.synthesis.sound_file import UnreadableSound, read_sound

SAMPLES = np.round(8000 * np.sin(np.arange(2400) / 8)).astype("<i2")


def wav(pcm: bytes, *, channels: int = 1, width: int = 2, rate: int = 24_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate)
        writer.writeframes(pcm)
    return file.getvalue()


def encoded(container: str, codec: str, samples: np.ndarray, layout: str = "mono") -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=22_050, layout=layout)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = 22_050
        output.mux([*stream.encode(frame), *stream.encode(None)])
    return file.getvalue()


@given(st.binary(max_size=2000).map(lambda pcm: pcm[: len(pcm) // 2 * 2]), st.sampled_from([8_000, 24_000]))
def test_a_plain_wave_is_read_to_the_sample(pcm: bytes, rate: int) -> None:
    if pcm:
        chunk = read_sound(wav(pcm, rate=rate))
        assert (chunk.pcm, chunk.sample_rate) == (pcm, rate)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_streamed_wave_that_did_not_know_its_length_is_read_to_its_end(size: int) -> None:
    data = bytearray(wav(SAMPLES.tobytes()))
    data[4:8] = data[40:44] = struct.pack("<I", size)
    assert read_sound(bytes(data)).pcm == SAMPLES.tobytes()


def test_a_wave_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    assert read_sound(wav(SAMPLES.tobytes())[:-101]).pcm == SAMPLES.tobytes()[:-102]


def test_what_macos_writes_is_read() -> None:
    chunk = read_sound(encoded("aiff", "pcm_s16be", SAMPLES))
    assert (chunk.pcm, chunk.sample_rate) == (SAMPLES.tobytes(), 22_050)


def test_two_channels_become_one() -> None:
    both = np.repeat(SAMPLES, 2)
    chunk = read_sound(wav(both.tobytes(), channels=2))
    assert np.abs(np.frombuffer(chunk.pcm, "<i2").astype(int) - SAMPLES).max() <= 2
    assert chunk.sample_rate == 24_000


def test_eight_bits_become_sixteen() -> None:
    chunk = read_sound(wav(((SAMPLES >> 8) + 128).astype("u1").tobytes(), width=1))
    assert np.abs(np.frombuffer(chunk.pcm, "<i2").astype(int) - SAMPLES).max() <= 256


@pytest.mark.parametrize("data", [b"", b"RIFF", b"{}", b"not a sound at all" * 50, wav(b"")])
def test_what_holds_no_sound_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableSound):
        read_sound(data)
