"""Recordings to text and text to sound, as OpenAI's audio API has them.

What Groq takes and gives: https://console.groq.com/docs/speech-to-text and .../text-to-speech.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import UnexpectedResponse
from core.providers.upstream import Upstream

__all__ = (
    "GROQ_SPEECH",
    "GROQ_TRANSCRIPTION",
    "GROQ_VOICES",
    "LARGEST_RECORDING",
    "LONGEST_SPOKEN",
    "Heard",
    "HeardWord",
    "encode_form",
    "encode_recording",
    "read_heard",
    "read_sound",
    "speech_body",
)

GROQ_TRANSCRIPTION = "whisper-large-v3-turbo"
"""Groq's quickest and cheapest transcription."""

GROQ_SPEECH = "canopylabs/orpheus-v1-english"

GROQ_VOICES = ("autumn", "diana", "hannah", "austin", "daniel", "troy")
"""The voices of `GROQ_SPEECH`."""

LONGEST_SPOKEN = 200
"""Characters of one speech call; longer texts are refused."""

LARGEST_RECORDING = 25 * 1000 * 1000
"""Bytes of one recording on Groq's free tier: thirteen minutes of 16-bit sound at 16 kHz."""


@dataclass(frozen=True, slots=True)
class HeardWord:
    """One word and when it was said, in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What a provider understood.

    Attributes:
        language: as the provider calls it: ``English`` or ``en``; empty where it does not say.
        seconds: how long the provider found the recording; 0 where it does not say.
        mean_log_probability: of the tokens; ``None`` where it is not said, as the next.
        no_speech: the probability that nobody spoke.
    """

    text: str
    language: str = ""
    seconds: float = 0.0
    mean_log_probability: float | None = None
    no_speech: float | None = None
    words: tuple[HeardWord, ...] = ()


def encode_recording(
    recording: bytes, *, model: str, language: str | None, prompt: str, words: bool
) -> tuple[str, bytes]:
    """The form that asks for a transcript; gives its content type and its bytes.

    The language is a hint that saves the provider's own detection, and errors with it.
    """
    fields = [("model", model), ("response_format", "verbose_json"), ("temperature", "0")]
    if language:
        fields.append(("language", language))
    if prompt:
        fields.append(("prompt", prompt))
    if words:
        fields += [("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment")]
    kind = "flac" if recording.startswith(b"fLaC") else "wav"
    return encode_form(fields, recording, kind)


def encode_form(fields: Iterable[tuple[str, str]], recording: bytes, kind: str) -> tuple[str, bytes]:
    """A form with a recording; gives its content type and its bytes.

    Args:
        fields: the names and values beside it; a name may come several times.
        recording: a whole sound file.
        kind: its suffix, such as ``wav``, by which providers tell what it is.
    """
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    parts += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="speech.{kind}"\r\n'
        f"Content-Type: audio/{kind}\r\n\r\n".encode(),
        recording,
        f"\r\n--{boundary}--\r\n".encode(),
    )
    return f"multipart/form-data; boundary={boundary}", b"".join(parts)


def read_heard(upstream: Upstream, body: bytes) -> Heard:
    """What a transcription answer says, in either of its JSON forms.

    Raises:
        UnexpectedResponse: it is no transcript.
    """
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
        raise _unexpected(upstream, "a transcript")
    segments = [segment for segment in _list(answer, "segments") if segment.get("text")]
    return Heard(
        text=answer["text"].strip(),
        language=str(answer.get("language") or ""),
        seconds=_number(answer, "duration") or 0.0,
        mean_log_probability=_mean(segments, "avg_logprob"),
        no_speech=_mean(segments, "no_speech_prob"),
        words=tuple(
            HeardWord(str(word.get("word", "")).strip(), start, end)
            for word in _list(answer, "words")
            if (start := _number(word, "start")) is not None and (end := _number(word, "end")) is not None
        ),
    )


def speech_body(text: str, *, model: str, voice: str) -> dict[str, Any]:
    """The request that asks for sound."""
    return {"model": model, "input": text, "voice": voice, "response_format": "wav"}


def read_sound(upstream: Upstream, body: bytes) -> bytes:
    """The WAV file of a speech answer.

    Raises:
        UnexpectedResponse: it is none.
    """
    if body[:4] != b"RIFF" or body[8:12] != b"WAVE":
        raise _unexpected(upstream, "sound")
    return body


def _unexpected(upstream: Upstream, wanted: str) -> UnexpectedResponse:
    return upstream.error(
        UnexpectedResponse,
        f"{upstream.host} answered with something that is not {wanted}.",
        hint="Check that the base URL is that of a provider with OpenAI's audio API.",
    )


def _list(answer: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list that may be missing."""
    found = answer.get(name)
    return (item for item in found if isinstance(item, dict)) if isinstance(found, list) else iter(())


def _number(found: Mapping[str, Any], name: str) -> float | None:
    value = found.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _mean(segments: list[Mapping[str, Any]], name: str) -> float | None:
    """Over the segments that say it, each by its length."""
    weighed = [
        (value, max(0.1, (_number(segment, "end") or 0.0) - (_number(segment, "start") or 0.0)))
        for segment in segments
        if (value := _number(segment, name)) is not None
    ]
    weight = sum(length for _, length in weighed)
    return sum(value * length for value, length in weighed) / weight if weight else None
