"""What is asked of a transcription, read from its form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from app.gateway.api_errors import invalid_request
from app.gateway.model_name import model_name
from app.gateway.recording_form import RecordingForm

__all__ = ("TRANSCRIPT_FORMATS", "Task", "TranscriptRequest", "read_transcript_request")

Task = Literal["transcribe", "translate"]
TRANSCRIPT_FORMATS = ("json", "text", "verbose_json", "srt", "vtt")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}")
_GRANULARITIES = ("word", "segment")


@dataclass(frozen=True, slots=True)
class TranscriptRequest:
    """One request.

    Attributes:
        model: who is to listen.
        task: whether what is said is to be English.
        format: one of `TRANSCRIPT_FORMATS`.
        language: what is spoken; ``None`` to detect it.
        prompt: names and terms to expect.
        words: tell when each word was said, too.
    """

    model: str
    task: Task
    format: str
    language: str | None
    prompt: str
    words: bool


def read_transcript_request(form: RecordingForm, task: Task) -> TranscriptRequest:
    """Check the fields that count here; a provider checks the others.

    Raises:
        ApiError: 400, with the field that is wrong.
    """
    model = model_name(form.value("model"), "whisper-large-v3 or local")
    wanted = form.value("response_format") or "json"
    if wanted not in TRANSCRIPT_FORMATS:
        raise invalid_request(
            f"response_format is one of {', '.join(TRANSCRIPT_FORMATS)}.", param="response_format"
        )
    language = form.value("language")
    if language is not None and not _LANGUAGE.fullmatch(language):
        raise invalid_request("language is a code of two or three letters, such as en.", param="language")
    granularities = form.values("timestamp_granularities")
    if not set(granularities) <= set(_GRANULARITIES):
        raise invalid_request(
            "timestamp_granularities has word, segment or both.", param="timestamp_granularities"
        )
    if (form.value("stream") or "").lower() in ("1", "true"):
        raise invalid_request("Transcripts are not streamed here: leave out stream.", param="stream")
    return TranscriptRequest(
        model=model,
        task=task,
        format=wanted,
        language=language.lower() if language else None,
        prompt=form.value("prompt") or "",
        words="word" in granularities,
    )
