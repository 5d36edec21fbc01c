"""What this machine heard, in the formats of OpenAI's API."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from app.subtitles import as_srt, as_vtt, cues
from core.voice.transcription.transcriber import Word

if TYPE_CHECKING:
    from core.voice.transcription.long_recording import Heard

__all__ = ("TIMED", "content_type", "heard_as", "subtitles")

TIMED = ("srt", "vtt")
"""The formats that tell when each word was said."""


def content_type(wanted: str) -> str:
    """The media type of a transcript in a format."""
    return "application/json" if wanted.endswith("json") else "text/plain; charset=utf-8"


def subtitles(words: Sequence[Word], wanted: str) -> bytes:
    """Timed words as ``srt`` or ``vtt``."""
    return (as_srt if wanted == "srt" else as_vtt)(cues(words)).encode()


def heard_as(
    wanted: str, heard: Sequence[Heard], *, seconds: float, language: str | None, words: bool
) -> bytes:
    """All that was understood of a recording.

    Args:
        wanted: the format.
        heard: the stretches in which somebody spoke, in order.
        seconds: how long the recording is.
        language: what was asked for.
        words: tell the words, too; in ``verbose_json`` alone.
    """
    understood = [piece for piece in heard if piece.transcript.text]
    text = " ".join(piece.transcript.text for piece in understood)
    if wanted in TIMED:
        return subtitles(_words(understood), wanted)
    if wanted == "text":
        return f"{text}\n".encode()
    if wanted == "json":
        return to_json({"text": text, "usage": {"type": "duration", "seconds": math.ceil(seconds)}})
    detected = next((piece.transcript.language for piece in understood if piece.transcript.language), "")
    verbose: dict[str, Any] = {
        "task": "transcribe",
        "language": language or detected,
        "duration": round(seconds, 3),
        "text": text,
        "segments": [_segment(number, piece) for number, piece in enumerate(understood)],
    }
    if words:
        verbose["words"] = [
            {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
            for word in _words(understood)
        ]
    return to_json(verbose)


def _words(heard: Iterable[Heard]) -> list[Word]:
    return [word for piece in heard for word in piece.transcript.words]


def _segment(number: int, piece: Heard) -> dict[str, Any]:
    """A stretch as Whisper tells of it; where probably nobody spoke was left out before, so that is 0."""
    transcript = piece.transcript
    plain = transcript.text.encode()
    return {
        "id": number,
        "seek": round(piece.start * 100),
        "start": round(piece.start, 3),
        "end": round(piece.end, 3),
        "text": transcript.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": round(math.log(max(transcript.confidence, 1e-9)), 4),
        "compression_ratio": round(len(plain) / len(zlib.compress(plain)), 3),
        "no_speech_prob": 0.0,
    }
