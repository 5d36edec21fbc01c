"""What the audio endpoints take and give; headers and errors are those of chat."""

from __future__ import annotations

from typing import Any

from app.gateway.document.operations import CHAT, Operation
from app.gateway.document.schemas import Schema
from app.gateway.transcript_request import TRANSCRIPT_FORMATS
from core.voice.synthesis.sound_formats import SOUND_FORMATS, sound_type

__all__ = ("SPEECH", "TRANSCRIPTION", "TRANSLATION")

_TEXT: Schema = {"type": "string"}
_DRY_RUN: Schema = {"type": "object", "required": ["object", "model", "route", "estimate"]}
_TRANSCRIPT: Schema = {"type": "object", "required": ["text"], "properties": {"text": _TEXT}}


def _form(**more: Schema) -> dict[str, Any]:
    properties: dict[str, Schema] = {
        "file": {"type": "string", "format": "binary", "description": "The recording."},
        "model": {
            "type": "string",
            "minLength": 1,
            "description": "`local` listens on this machine with the settings' model, `local/base` with "
            "another that was fetched; other names are a provider's.",
        },
        "prompt": {"type": "string", "description": "Names and terms to expect."},
        "response_format": {"type": "string", "enum": list(TRANSCRIPT_FORMATS), "default": "json"},
        **more,
    }
    schema = {"type": "object", "required": ["file", "model"], "properties": properties}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _responses(description: str, content: dict[str, Any]) -> dict[str, Any]:
    answered = {**CHAT["responses"]["200"], "description": description, "content": content}
    return {**CHAT["responses"], "200": answered}


_HEARD = _responses(
    "The text, in the format that was asked for; or, of a dry run, what would be done.",
    {
        "application/json": {"schema": {"anyOf": [_TRANSCRIPT, _DRY_RUN]}},
        "text/plain": {"schema": _TEXT},
    },
)

TRANSCRIPTION: Operation = {
    "operationId": "createTranscription",
    "tags": ["Audio"],
    "summary": "Write what is said in a recording",
    "description": "OpenAI's transcriptions, by a Whisper of this machine or a provider's.",
    "parameters": CHAT["parameters"],
    "requestBody": _form(
        language={
            "type": "string",
            "pattern": "^[A-Za-z]{2,3}$",
            "description": "Such as en; else detected.",
        },
        **{
            "timestamp_granularities[]": {
                "type": "array",
                "items": {"type": "string", "enum": ["word", "segment"]},
                "description": "What `verbose_json` tells the times of.",
            }
        },
    ),
    "responses": _HEARD,
    "x-curl": "-F model=local \\\n  -F file=@speech.wav",
}
TRANSLATION: Operation = {
    "operationId": "createTranslation",
    "tags": ["Audio"],
    "summary": "Write what is said in a recording, in English",
    "description": "OpenAI's translations, by a provider's Whisper that translates.",
    "parameters": CHAT["parameters"],
    "requestBody": _form(),
    "responses": _HEARD,
    "x-curl": "-F model=whisper-large-v3 \\\n  -F file=@speech.wav",
}
SPEECH: Operation = {
    "operationId": "createSpeech",
    "tags": ["Audio"],
    "summary": "Speak a text",
    "description": "OpenAI's speech, by the voice of this machine or a provider's.",
    "parameters": CHAT["parameters"],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["model", "input"],
                    "properties": {
                        "model": {
                            "type": "string",
                            "minLength": 1,
                            "description": "`local` is this machine; other names are a provider's.",
                            "examples": ["local"],
                        },
                        "input": {
                            "type": "string",
                            "minLength": 1,
                            "maxLength": 4096,
                            "examples": ["Hello!"],
                        },
                        "voice": {
                            "type": "string",
                            "minLength": 1,
                            "description": "As `tensorwall say --voices` lists them, or `default`.",
                        },
                        "response_format": {"type": "string", "enum": list(SOUND_FORMATS), "default": "mp3"},
                        "speed": {"type": "number", "minimum": 0.25, "maximum": 4},
                    },
                }
            }
        },
    },
    "responses": _responses(
        "The sound, in the format that was asked for; or, of a dry run, what would be done.",
        {
            "application/json": {"schema": _DRY_RUN},
            **{
                sound_type(kind): {"schema": {"type": "string", "format": "binary"}} for kind in SOUND_FORMATS
            },
        },
    ),
    "x-curl": (
        "-H 'Content-Type: application/json' \\\n"
        '  -d \'{"model": "local", "input": "Hello!"}\' -o hello.mp3'
    ),
}
