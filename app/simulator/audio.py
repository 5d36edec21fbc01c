"""``POST /audio/transcriptions``, ``/audio/translations`` and ``/audio/speech``.

What is "heard" is scripted (``Options.heard``), or a sentence that says it is simulated.
What is "spoken" is a tone of about the length the text would take, louder with each word, so that it can
be told from silence. Fields and limits: https://console.groq.com/docs/speech-to-text, /text-to-speech.
"""

from __future__ import annotations

import io
import math
import wave
from array import array
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers

from app.simulator.errors import ApiError, invalid_request
from app.simulator.forms import form_parts
from app.simulator.models import Kind, SimulatedModel, find_model
from app.simulator.options import Options
from app.simulator.wire import dump

__all__ = (
    "LARGEST_FILE",
    "VOICES",
    "Recording",
    "Transcribed",
    "form_fields",
    "read_recording",
    "spoken",
    "transcribe",
)

LARGEST_FILE = 25 * 1_000_000
"""Bytes on the free tier."""

VOICES = ("autumn", "diana", "hannah", "austin", "daniel", "troy")
_LONGEST_TEXT = 200
_SOUND = {"flac", "mp3", "mp4", "mpeg", "mpga", "m4a", "ogg", "opus", "wav", "webm"}
_FORMATS = ("json", "text", "verbose_json")
_CHARACTERS_A_SECOND = 15.0
_SOUND_RATE = 24_000


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that was sent, and the fields beside it."""

    content: bytes
    fields: dict[str, Any]

    @property
    def seconds(self) -> float:
        """How long it sounds: exactly for WAV, else by a usual bit rate."""
        try:
            with wave.open(io.BytesIO(self.content)) as sound:
                # A header written to a pipe may claim more than follows.
                frame = sound.getnchannels() * sound.getsampwidth()
                return float(min(sound.getnframes(), len(self.content) // frame) / sound.getframerate())
        except (wave.Error, EOFError, ZeroDivisionError):
            return len(self.content) / 8_000


@dataclass(frozen=True, slots=True)
class Transcribed:
    """The answer to a transcription, in the format that was asked for."""

    body: bytes
    content_type: str
    seconds: float


def form_fields(headers: Headers, raw: bytes) -> dict[str, Any]:
    """The fields of a transcription request, for the log: of the file, its name and size."""
    recording = read_recording(headers, raw)
    return {**recording.fields, "file_bytes": len(recording.content)}


def read_recording(headers: Headers, raw: bytes) -> Recording:
    """The file of a multipart request and the fields beside it.

    Raises:
        ApiError: 400 where it is none, or has no file of a kind that holds sound.
    """
    content: bytes | None = None
    fields: dict[str, Any] = {}
    for name, filename, value in form_parts(headers.get("content-type", ""), raw):
        if name == "file" and filename is not None:
            content, fields["filename"] = value, filename
        elif name.endswith("[]"):
            fields.setdefault(name.removesuffix("[]"), []).append(value.decode(errors="replace"))
        else:
            fields[name] = value.decode(errors="replace")
    if content is None:
        if fields.get("url"):
            raise invalid_request("the simulator cannot fetch `url`: send a `file`")
        raise invalid_request("one of `file` or `url` must be provided")
    if fields["filename"].rpartition(".")[2].lower() not in _SOUND:
        raise invalid_request(f"file must be one of the following types: [{' '.join(sorted(_SOUND))}]")
    return Recording(content, fields)


def transcribe(
    recording: Recording, options: Options, *, heard: str | None, request_id: str, translated: bool = False
) -> Transcribed:
    """Check a request and "hear" it: the scripted text, or a sentence that says it is simulated.

    Into English, where it is to be ``translated``, only the larger model translates.

    Raises:
        ApiError: the request is refused.
    """
    fields = recording.fields
    model = _model(fields.get("model"), "transcription", options)
    if translated and model.id.endswith("-turbo"):
        raise invalid_request(f"The model `{model.id}` does not support translation.")
    if len(recording.content) > LARGEST_FILE:
        raise ApiError(413, "Request Entity Too Large", code="request_too_large")
    answer_format = fields.get("response_format", "json")
    if answer_format not in _FORMATS:
        raise invalid_request(f"response_format must be one of [{' '.join(_FORMATS)}]")
    language = fields.get("language", "")
    if language and not (language.isalpha() and 2 <= len(language) <= 3):
        raise invalid_request(f"language `{language}` is not supported")
    if not _is_number_up_to_one(fields.get("temperature", "0")):
        raise invalid_request("temperature must be between 0 and 1")
    if len(recording.content) < 100:
        raise invalid_request("could not process file - is it a valid media file?")
    if recording.seconds < 0.01:
        raise invalid_request("Audio file is too short. Minimum audio length is 0.01 seconds.")
    text = heard
    if text is None:
        text = f"This is a simulated transcript of {recording.seconds:.1f} seconds of sound by {model.id}."
    if answer_format == "text":
        return Transcribed(text.encode(), "text/plain; charset=utf-8", recording.seconds)
    answer: dict[str, Any] = {"text": f" {text}" if text else "", "x_groq": {"id": request_id}}
    if answer_format == "verbose_json":
        answer = _verbose(answer, text, recording, "en" if translated else language or "en")
        answer["task"] = "translate" if translated else "transcribe"
    return Transcribed(dump(answer).encode(), "application/json", recording.seconds)


def spoken(body: dict[str, Any], options: Options) -> bytes:
    """Check a request and "speak" it: a WAV file.

    Raises:
        ApiError: the request is refused.
    """
    _model(body.get("model"), "speech", options)
    text, voice = body.get("input"), body.get("voice")
    if not isinstance(text, str) or not text.strip():
        raise invalid_request("'input' : value must not be empty")
    if len(text) > _LONGEST_TEXT:
        raise ApiError(
            400,
            f"'input' : maximum length is {_LONGEST_TEXT} characters, got {len(text)}",
            code="string_above_max_length",
        )
    if voice not in VOICES:
        raise invalid_request(f"voice must be one of [{' '.join(VOICES)}]")
    if body.get("response_format", "mp3") != "wav":
        raise invalid_request("response_format must be one of [wav]")
    return _tone(text)


def _model(name: object, kind: Kind, options: Options) -> SimulatedModel:
    if not isinstance(name, str) or not name:
        raise invalid_request("'model' : property 'model' is missing")
    model = find_model(name, extra=options.models, denied=options.denied_models)
    if model.kind != kind and name not in options.models:
        raise invalid_request(f"The model `{name}` does not support audio {kind}.")
    return model


def _verbose(answer: dict[str, Any], text: str, recording: Recording, language: str) -> dict[str, Any]:
    """What ``verbose_json`` adds: one segment, and where asked for, words evenly apart."""
    seconds = round(recording.seconds, 2)
    segment = {
        "id": 0,
        "seek": 0,
        "start": 0,
        "end": seconds,
        "text": f" {text}",
        "tokens": [50365],
        "temperature": 0,
        "avg_logprob": -0.12,
        "compression_ratio": 1.1,
        "no_speech_prob": 1e-11,
    }
    more: dict[str, Any] = {"segments": [segment] if text else []}
    if "word" in recording.fields.get("timestamp_granularities", ()):
        words = text.split()
        step = seconds / max(1, len(words))
        more["words"] = [
            {"word": word, "start": round(place * step, 2), "end": round((place + 1) * step, 2)}
            for place, word in enumerate(words)
        ]
    return {"language": language, "duration": seconds, **answer, **more}


def _tone(text: str) -> bytes:
    """220 Hz with a swell for each word."""
    samples = array("h")
    per_word = [max(1, len(word)) / _CHARACTERS_A_SECOND for word in text.split()]
    for seconds in per_word:
        count = int(seconds * _SOUND_RATE)
        samples.extend(
            int(6_000 * math.sin(math.pi * n / count) * math.sin(2 * math.pi * 220 * n / _SOUND_RATE))
            for n in range(count)
        )
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(_SOUND_RATE)
        sound.writeframes(samples.tobytes())
    return made.getvalue()


def _is_number_up_to_one(value: str) -> bool:
    try:
        return 0 <= float(value) <= 1
    except ValueError:
        return False
