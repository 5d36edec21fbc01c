"""The voice engines of this machine: made when a request first needs one, kept, used by one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.gateway.api_errors import ApiError
from core.settings import VoiceSettings
from core.voice.transcription.models import KNOWN_MODELS, find_model, known_model, model_name
from core.voice.transcription.vocabulary import hints_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.voice.synthesis.process import ProcessSynthesiser
    from core.voice.transcription.transcriber import Hints
    from core.voice.transcription.whisper import WhisperTranscriber

__all__ = ("LOCAL", "LocalVoice", "is_local")

LOCAL = "local"
"""The model that listens or speaks here, and what the ledger calls this machine."""
_MOST_WAITING = 16
"""Requests that wait for an engine; each waits for all before it."""
_SLOWEST, _QUICKEST = 80, 450
"""Words a minute, as the settings have it."""


def is_local(model: str) -> bool:
    """Whether a model's name means an engine of this machine."""
    return model == LOCAL or model.startswith(f"{LOCAL}/")


class LocalVoice:
    """Whisper and the system's voice.

    Args:
        settings: model, vocabulary, voice, rate, language.
        models_dir: where speech models are kept.
    """

    def __init__(self, settings: VoiceSettings, models_dir: Path) -> None:
        self.settings = settings
        self._models_dir = models_dir
        self._whispers: dict[str, WhisperTranscriber] = {}
        self._synthesiser: ProcessSynthesiser | None = None
        self._voices: frozenset[str] | None = None
        self._queues: dict[str, _Queue] = {}

    def names(self) -> Iterator[str]:
        """The models there are: the settings' own, and those that have been fetched."""
        yield LOCAL
        for known in KNOWN_MODELS:
            if (self._models_dir / known.name / "model.bin").is_file():
                yield f"{LOCAL}/{known.name}"

    def whisper_named(self, model: str) -> str | None:
        """What the speech model is called here that a request asks for; ``None`` where it is none of ours.

        Folders are named by the settings alone: a request cannot have one opened.

        Raises:
            ApiError: 404: there is no such model.
        """
        own = self.settings.model
        if model in (LOCAL, own, f"{LOCAL}/{model_name(own)}"):
            return own
        if not is_local(model):
            return None
        name = model.removeprefix(f"{LOCAL}/")
        if known_model(name) is None:
            names = ", ".join(self.names())
            raise ApiError(
                404,
                f"There is no speech model {model!r}. There are {names}.",
                code="model_not_found",
                param="model",
            )
        return name

    def hints(self, prompt: str, language: str | None) -> Hints:
        """What is known of a recording: the settings' vocabulary, and names and terms of the prompt."""
        return hints_for(self.settings.vocabulary, prompt, language)

    @asynccontextmanager
    async def whisper(self, name: str) -> AsyncIterator[WhisperTranscriber]:
        """A speech model of one's own until the block ends; see `whisper_named`.

        Raises:
            ApiError: 503: too many wait for it.
            VoiceUnavailable: a package is missing.
            SpeechModelUnusable: the weights are missing or damaged.
        """
        from core.voice.availability import check_packages
        from core.voice.transcription.whisper import WhisperTranscriber

        await asyncio.to_thread(check_packages)
        await asyncio.to_thread(
            find_model, name, self._models_dir
        )  # so that nobody waits for what is missing
        async with self._queue(f"whisper {name}").turn():
            if name not in self._whispers:
                self._whispers[name] = WhisperTranscriber(name, models_dir=self._models_dir)
            whisper = self._whispers[name]
            await whisper.forget_language()
            yield whisper

    @asynccontextmanager
    async def speaker(self, voice: str | None, speed: float) -> AsyncIterator[ProcessSynthesiser]:
        """The system's voice for one's own until the block ends.

        Args:
            voice: as ``tensorwall say --voices`` lists them; ``None`` for the settings'.
            speed: of the settings' rate.

        Raises:
            ApiError: 400: there is no such voice. 503: too many wait.
            VoiceUnavailable: there is no speech engine.
        """
        from app.read_aloud import local_synthesiser

        async with self._queue("voice").turn():
            if self._synthesiser is None:
                self._synthesiser = local_synthesiser(self.settings)
            speaks = self._synthesiser
            usual = local_synthesiser(self.settings)  # holds nothing until it speaks
            speaks.voice = usual.voice if voice is None else await self._known(speaks, voice)
            speaks.rate = max(_SLOWEST, min(_QUICKEST, round(usual.rate * speed)))
            yield speaks

    async def aclose(self) -> None:
        """End every engine."""
        for whisper in self._whispers.values():
            await whisper.aclose()
        if self._synthesiser is not None:
            await self._synthesiser.aclose()

    async def _known(self, speaks: ProcessSynthesiser, voice: str) -> str:
        if self._voices is None:
            self._voices = frozenset(known.id for known in await speaks.voices())
        if voice not in self._voices:
            raise ApiError(
                400,
                f"This system has no voice {voice!r}: `tensorwall say --voices --local` lists those there "
                "are, and default is the one in its settings.",
                param="voice",
            )
        return voice

    def _queue(self, engine: str) -> _Queue:
        return self._queues.setdefault(engine, _Queue())


class _Queue:
    """Who uses an engine, and who waits for it, in order."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._here = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        if self._here > _MOST_WAITING:
            raise ApiError(
                503,
                "Too many requests wait for the voice of this machine.",
                code="overloaded",
                headers={"retry-after": "5"},
            )
        self._here += 1
        try:
            async with self._one:
                yield
        finally:
            self._here -= 1
