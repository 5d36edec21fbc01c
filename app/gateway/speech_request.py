"""What is asked of speech, read from the request's body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.gateway.api_errors import invalid_request
from app.gateway.model_name import model_name
from core.voice.synthesis.sound_formats import SOUND_FORMATS, usable_formats

__all__ = ("SpeechRequest", "read_speech_request")

_LONGEST = 4096
"""Characters of a text, as OpenAI has it."""
_SLOWEST, _QUICKEST = 0.25, 4.0


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """One request.

    Attributes:
        model: who is to speak.
        text: what.
        voice: whose; ``None`` for the usual one.
        format: what the client wants, or ``None`` where it does not say.
        speed: 1 is the voice's own.
        body: as the client sent it.
    """

    model: str
    text: str
    voice: str | None
    format: str | None
    speed: float
    body: dict[str, Any]

    @property
    def made_format(self) -> str:
        """The kind of file that is made here: MP3 is what OpenAI's clients expect.

        Raises:
            ApiError: 400: it cannot be made here.
        """
        usable = usable_formats()
        wanted = self.format or ("mp3" if "mp3" in usable else "wav")
        if wanted not in usable:
            raise invalid_request(
                f"response_format is one of {', '.join(usable)} here.", param="response_format"
            )
        return wanted


def read_speech_request(body: dict[str, Any]) -> SpeechRequest:
    """Check the fields that count here; a provider checks the others.

    Raises:
        ApiError: 400, with the field that is wrong.
    """
    model = model_name(body.get("model"), "local")
    text, voice = body.get("input"), body.get("voice")
    if not isinstance(text, str) or not text.strip():
        raise invalid_request("input is missing or empty: it is the text to speak.", param="input")
    if len(text) > _LONGEST:
        raise invalid_request(
            f"input has more than {_LONGEST} characters.", param="input", code="string_above_max_length"
        )
    if voice is not None and (not isinstance(voice, str) or not voice):
        raise invalid_request("voice is not the name of a voice.", param="voice")
    if body.get("stream_format") not in (None, "audio"):
        raise invalid_request("Speech comes as a file: leave out stream_format.", param="stream_format")
    return SpeechRequest(model, text, voice, _format(body), _speed(body), body)


def _format(body: dict[str, Any]) -> str | None:
    wanted = body.get("response_format")
    if wanted is not None and wanted not in SOUND_FORMATS:
        raise invalid_request(
            f"response_format is one of {', '.join(SOUND_FORMATS)}.", param="response_format"
        )
    return wanted


def _speed(body: dict[str, Any]) -> float:
    speed = body.get("speed", 1.0)
    if not isinstance(speed, int | float) or isinstance(speed, bool) or not _SLOWEST <= speed <= _QUICKEST:
        raise invalid_request(f"speed is a number from {_SLOWEST:g} to {_QUICKEST:g}.", param="speed")
    return float(speed)
