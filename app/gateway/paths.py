"""What the gateway answers: one table, of which the routes are made and the document that tells of them."""

from __future__ import annotations

from dataclasses import dataclass

from app.gateway.chat import answer_chat
from app.gateway.document import audio_operations, operations
from app.gateway.document.operations import Operation
from app.gateway.endpoint import Act
from app.gateway.exposition import show_metrics
from app.gateway.models import list_models, show_model
from app.gateway.speech import answer_speech
from app.gateway.transcription import answer_transcription, answer_translation

__all__ = ("PATHS", "PREFIXES", "ServedPath")

PREFIXES = ("/v1", "/openai/v1")
"""OpenAI's clients look under the first, Groq's under the second."""


@dataclass(frozen=True, slots=True)
class ServedPath:
    """One method of one path that needs a key.

    Attributes:
        path: what follows the prefix; names in braces stand for whatever is there.
        act: answers.
        endpoint: what keys are limited to.
        operation: what the document says of it.
        booked: see `Endpoint`.
        prefixed: it is under each of `PREFIXES`.
    """

    method: str
    path: str
    act: Act
    endpoint: str
    operation: Operation
    booked: bool = False
    prefixed: bool = True

    @property
    def full_paths(self) -> tuple[str, ...]:
        """The whole of its paths, the usual one first."""
        return tuple(prefix + self.path for prefix in PREFIXES) if self.prefixed else (self.path,)


PATHS = (
    ServedPath("POST", "/chat/completions", answer_chat, "chat", operations.CHAT, booked=True),
    ServedPath(
        "POST",
        "/audio/transcriptions",
        answer_transcription,
        "audio",
        audio_operations.TRANSCRIPTION,
        booked=True,
    ),
    ServedPath(
        "POST", "/audio/translations", answer_translation, "audio", audio_operations.TRANSLATION, booked=True
    ),
    ServedPath("POST", "/audio/speech", answer_speech, "audio", audio_operations.SPEECH, booked=True),
    ServedPath("GET", "/models", list_models, "models", operations.MODELS),
    ServedPath("GET", "/models/{model}", show_model, "models", operations.MODEL),
    ServedPath("GET", "/metrics", show_metrics, "metrics", operations.METRICS, prefixed=False),
)
"""``{model}`` may hold slashes, as names of models do."""
