"""Reading the sound that others make: a WAV from a server, a WAV or AIFF from an operating system."""

from __future__ import annotations

import io
import wave

from core.voice.audio import PcmChunk

__all__ = ("UnreadableSound", "read_sound")


class UnreadableSound(ValueError):
    """The bytes are no sound file, or hold no sound."""


def read_sound(data: bytes) -> PcmChunk:
    """All the samples of a sound file, as one 16-bit mono chunk at the file's own rate.

    A WAV that was streamed, so that its header could not know how long it would be, is read to its
    end. What is not a 16-bit mono WAV is decoded by PyAV, which faster-whisper brings along.

    Raises:
        UnreadableSound: there is nothing to read.
    """
    sound = _plain_wave(data) or _decoded(data)
    if not sound.pcm:
        raise UnreadableSound("the file has no sound in it")
    return sound


def _plain_wave(data: bytes) -> PcmChunk | None:
    try:
        with wave.open(io.BytesIO(data)) as file:
            if file.getsampwidth() != 2 or file.getnchannels() != 1:
                return None
            pcm = file.readframes(file.getnframes())
            rate = file.getframerate()
    except (wave.Error, EOFError):
        return None
    return PcmChunk(pcm[: len(pcm) // 2 * 2], rate)


def _decoded(data: bytes) -> PcmChunk:
    try:
        import av
    except ImportError as error:
        raise UnreadableSound("the sound needs PyAV to be read, which is not installed") from error
    try:
        with av.open(io.BytesIO(data), mode="r") as container:
            resampler = av.AudioResampler(format="s16", layout="mono")
            frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
            frames += resampler.resample(None)
    except (av.error.FFmpegError, IndexError) as error:
        raise UnreadableSound(f"the sound cannot be decoded: {error}") from error
    pcm = b"".join(frame.to_ndarray().tobytes() for frame in frames)
    return PcmChunk(pcm, frames[0].sample_rate if frames else 0)
