"""Speech as a file of the kind that is asked for; all but WAV by PyAV, which faster-whisper brings along."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from core.errors import VoiceUnavailable
from core.extras import install_command
from core.voice.audio import PcmChunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from av import AudioFrame

__all__ = ("PCM_RATE", "SOUND_FORMATS", "sound_file", "sound_type", "usable_formats")

PCM_RATE = 24_000
"""Samples a second of ``pcm``, which has no header to say so; as OpenAI has it."""


@dataclass(frozen=True, slots=True)
class _Coding:
    """How PyAV makes a kind of file.

    Attributes:
        rate: samples a second; ``None`` for the voice's own.
    """

    container: str
    codec: str
    rate: int | None = None


_CODINGS = {
    "mp3": _Coding("mp3", "libmp3lame", PCM_RATE),
    "opus": _Coding("ogg", "libopus", 48_000),
    "aac": _Coding("adts", "aac", PCM_RATE),
    "flac": _Coding("flac", "flac"),
}
_TYPES = {
    "wav": "audio/wav",
    "pcm": "audio/pcm",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
}
SOUND_FORMATS = tuple(_TYPES)
"""The kinds of file that there are."""


def usable_formats() -> tuple[str, ...]:
    """The kinds of file that can be made here."""
    return SOUND_FORMATS if find_spec("av") else ("wav",)


def sound_type(kind: str) -> str:
    """The media type of one of `SOUND_FORMATS`."""
    return _TYPES[kind]


def sound_file(chunks: Sequence[PcmChunk], kind: str) -> bytes:
    """Speech as a whole file.

    Args:
        chunks: the sound, all at one rate; at least one piece.
        kind: one of `SOUND_FORMATS`.

    Raises:
        VoiceUnavailable: PyAV is missing, or was built without this kind.
    """
    pcm, rate = b"".join(chunk.pcm for chunk in chunks), chunks[0].sample_rate
    if kind == "wav":
        return _wave(pcm, rate)
    try:
        import av
    except (ImportError, OSError) as error:
        raise VoiceUnavailable(
            f"Speech cannot be written as {kind}: {error}.",
            hint=f"Ask for wav, or install it: {install_command('voice')}",
        ) from error
    if kind == "pcm":
        return _resampled(pcm, rate)
    try:
        return _encoded(pcm, rate, _CODINGS[kind])
    except (av.FFmpegError, ValueError) as error:
        raise VoiceUnavailable(
            f"Speech cannot be written as {kind}: {error}.", hint="Ask for wav."
        ) from error


def _wave(pcm: bytes, rate: int) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(pcm)
    return made.getvalue()


def _encoded(pcm: bytes, rate: int, coding: _Coding) -> bytes:
    import av

    made = io.BytesIO()
    with av.open(made, "w", format=coding.container) as container:
        # As any: which streams a codec makes is known when it runs.
        stream: Any = container.add_stream(coding.codec, rate=coding.rate or rate, layout="mono")
        for packet in (*stream.encode(_frame(pcm, rate)), *stream.encode(None)):
            container.mux(packet)
    return made.getvalue()


def _resampled(pcm: bytes, rate: int) -> bytes:
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=PCM_RATE)
    frames = [*resampler.resample(_frame(pcm, rate)), *resampler.resample(None)]
    return b"".join(frame.to_ndarray().tobytes() for frame in frames)


def _frame(pcm: bytes, rate: int) -> AudioFrame:
    import numpy as np
    from av import AudioFrame

    frame = AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2").reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate
    return frame
