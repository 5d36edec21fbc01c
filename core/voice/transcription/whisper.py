"""The transcriber of this machine: Whisper on a thread of its own. Nothing here touches the network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from core.errors import TranscriptionFailed, VoiceError, VoiceUnavailable
from core.extras import install_command
from core.voice.audio import Samples
from core.voice.transcription.models import find_model, model_name
from core.voice.transcription.transcriber import Hints, Purpose, Transcript
from core.voice.transcription.worker import Worker

if TYPE_CHECKING:
    from core.voice.transcription.recogniser import Recogniser

__all__ = ("WhisperTranscriber",)

T = TypeVar("T")


class WhisperTranscriber:
    """A ``Transcriber`` that decodes here; the model is loaded by `warm` or the first recording.

    Args:
        model: a name that is known, such as ``base`` or ``tiny.en``, or the path of a folder.
        models_dir: where models that are known by name are kept.
        threads: of the decoder; by default as many as pay off.
    """

    def __init__(self, model: str | Path, *, models_dir: Path, threads: int | None = None) -> None:
        self._model = model
        self._models_dir = models_dir
        self._threads = threads
        self._worker = Worker("whisper")
        self._loaded: Recogniser | None = None  # the worker's alone
        self._warm = False

    @property
    def label(self) -> str:
        """Who listens, as the screen says it."""
        return f"Whisper {model_name(self._model)}, here"

    @property
    def bills(self) -> bool:
        """Never: it is this machine that listens."""
        return False

    async def warm(self) -> None:
        """Load the model and decode a second of noise; safe to call again.

        Raises:
            VoiceUnavailable: a package is missing.
            SpeechModelUnusable: the weights are missing or damaged.
        """
        if not self._warm:
            await self._run(lambda: self._recogniser().warm(), "final")
            self._warm = True

    async def forget_language(self) -> None:
        """Detect the language anew in the next recording: it is somebody else's.

        Raises:
            VoiceUnavailable, SpeechModelUnusable: as `warm`.
        """
        await self._run(lambda: self._recogniser().forget_language(), "final")

    async def transcribe(
        self, samples: Samples, hints: Hints, *, purpose: Purpose = "final", words: bool = False
    ) -> Transcript:
        """The text of a recording. Cancelling gives the result up.

        A partial that still waits is overtaken by whatever comes after it, and fails.

        Args:
            samples: the recording.
            hints: what is known before listening.
            purpose: what it is for; finals go first.
            words: find out when each word was said, too.

        Raises:
            VoiceUnavailable, SpeechModelUnusable: as `warm`.
            TranscriptionFailed: it could not be done, or was overtaken.
        """
        return await self._run(lambda: self._recogniser().transcribe(samples, hints, words=words), purpose)

    async def aclose(self) -> None:
        """End the thread, and forget the model."""
        await asyncio.to_thread(self._worker.close)
        self._loaded = None

    async def _run(self, job: Callable[[], T], purpose: Purpose) -> T:
        try:
            return await asyncio.wrap_future(self._worker.submit(job, purpose))
        except VoiceError:
            raise
        except Exception as error:  # what the decoder raises; of onnxruntime it has no other base
            raise TranscriptionFailed(
                f"The recording could not be turned into text: {error}",
                hint="Try again; if it stays so, choose another speech model.",
            ) from error

    def _recogniser(self) -> Recogniser:
        """The loaded model; called on the worker."""
        if self._loaded is None:
            folder = find_model(self._model, self._models_dir)
            try:
                from core.voice.transcription.recogniser import Recogniser
            except (ImportError, OSError) as error:
                raise VoiceUnavailable(
                    f"Speech recognition cannot be loaded: {error}.",
                    hint=f"Install it: {install_command('voice')}",
                ) from error
            self._loaded = Recogniser(folder, model_name(self._model), self._threads)
        return self._loaded
