"""From recordings to texts: the transcription jobs that the turn machine asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.errors import TensorWallError
from core.safe_text import safe_text
from core.voice.answer import Spawn
from core.voice.events import Noticed, PartialText, VoiceEvent
from core.voice.turn_taking.agreement import Agreement
from core.voice.turn_taking.messages import Message, TranscriptionFailed, TranscriptReady

if TYPE_CHECKING:
    from core.voice.engine import AudioEngine
    from core.voice.transcription.transcriber import Hints, Purpose, Transcriber, Transcript
    from core.voice.turn_taking.actions import Transcribe

__all__ = ("Hearing",)


class Hearing:
    """Runs transcriptions and passes on what came of each; what is stale is given up.

    Args:
        engine: has the recordings.
        transcriber: turns them into text.
        hints: asked before each transcription.
        tell: takes messages for the turn machine.
        show: takes events for the user.
        spawn: starts a job as a task of the loop.
        understood: takes the language of what was understood.

    Attributes:
        confidence: of the latest final transcript, from 0 to 1.
    """

    def __init__(
        self,
        engine: AudioEngine,
        transcriber: Transcriber,
        hints: Callable[[], Hints],
        *,
        tell: Callable[[Message], None],
        show: Callable[[VoiceEvent], None],
        spawn: Spawn,
        understood: Callable[[str], None],
    ) -> None:
        self.engine = engine
        self.transcriber = transcriber
        self.confidence = 1.0
        self._hints = hints
        self._tell = tell
        self._show = show
        self._spawn = spawn
        self._understood = understood
        self._turn = self._revision = 0
        self._agreement = Agreement()
        self._jobs: set[asyncio.Task[None]] = set()

    def transcribe(self, wanted: Transcribe) -> None:
        """Begin one transcription; its result is told when it is there."""
        if (wanted.turn, wanted.revision) != (self._turn, self._revision):
            self.forget()
        if wanted.turn != self._turn:
            self._agreement = Agreement()
        self._turn, self._revision = wanted.turn, wanted.revision
        job = self._spawn(self._run(wanted))
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    def forget(self) -> None:
        """Give up what is still being transcribed: the turn is over, or speech went on."""
        for job in self._jobs:
            job.cancel()

    async def _run(self, wanted: Transcribe) -> None:
        samples = self.engine.recording(wanted.since, wanted.until)
        purpose: Purpose = "final" if wanted.final else "partial"
        try:
            transcript = await self.transcriber.transcribe(samples, self._hints(), purpose=purpose)
        except TensorWallError as error:
            if wanted.final:  # a partial one is only for looking at, and the final one will tell
                self._show(Noticed(error.message, error.hint))
            self._tell(
                TranscriptionFailed(self.engine.now(), wanted.turn, wanted.revision, final=wanted.final)
            )
            return
        if wanted.final:
            self.confidence = transcript.confidence
        text = " ".join(safe_text(transcript.text).split())
        if text:
            self._understood(transcript.language)
            self._show(PartialText(wanted.turn, *self._agreement.add(text)))
        self._tell(_ready(wanted, transcript, text, self.engine.now()))


def _ready(wanted: Transcribe, transcript: Transcript, text: str, at: float) -> TranscriptReady:
    return TranscriptReady(
        at, wanted.turn, wanted.revision, text, final=wanted.final, confidence=transcript.confidence
    )
