"""From recordings to texts: the transcription jobs that the turn machine asks for.

A long turn is transcribed stretch by stretch. What is kept of it is taken over by whatever comes later of
the same turn, which begins where that ended; what failed is part of the next stretch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import TensorWallError
from core.safe_text import safe_text
from core.voice.answer import Spawn
from core.voice.events import Noticed, PartialText, VoiceEvent
from core.voice.turn_taking.agreement import Agreement
from core.voice.turn_taking.messages import Message, TranscriptionFailed, TranscriptReady

if TYPE_CHECKING:
    from core.voice.engine import AudioEngine
    from core.voice.transcription.transcriber import Hints, Purpose, Transcriber
    from core.voice.turn_taking.actions import KeepStretch, Transcribe

__all__ = ("Hearing",)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What was understood of a part of the turn."""

    since: float
    until: float
    text: str
    confidence: float


class _Job:
    """One transcription of the turn, from where what was kept before it ends.

    Attributes:
        kept: speech went on, and it stays good.
        stretch: what came of it; ``None`` before, and where nothing was understood.
    """

    task: asyncio.Task[None]

    def __init__(self, wanted: Transcribe) -> None:
        self.wanted = wanted
        self.kept = False
        self.stretch: _Stretch | None = None

    def good_for(self, later: Transcribe) -> bool:
        """Whether it still matters when this is asked for."""
        if self.wanted.turn != later.turn:
            return False
        return self.wanted.until <= later.until if self.kept else self.wanted.revision == later.revision


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
        self._jobs: list[_Job] = []  # of one turn, in the order in which they were asked for
        self._agreement = Agreement()
        self._agreed_since: float | None = None

    def transcribe(self, wanted: Transcribe) -> None:
        """Begin one transcription; its result is told when it is there."""
        self._give_up(job for job in self._jobs if not job.good_for(wanted))
        self._jobs = [job for job in self._jobs if job.good_for(wanted)]
        job = _Job(wanted)
        job.task = self._spawn(self._run(job, [before for before in self._jobs if before.kept]))
        self._jobs.append(job)

    def keep(self, said: KeepStretch) -> None:
        """Speech goes on, and the final transcript of this revision stays good."""
        for job in self._jobs:
            if job.wanted.final and (job.wanted.turn, job.wanted.revision) == (said.turn, said.revision):
                job.kept = True

    def forget(self) -> None:
        """Give up what is still being transcribed, and what was kept: the turn is over."""
        self._give_up(self._jobs)
        self._jobs = []
        self._agreed_since = None

    def _give_up(self, jobs: Iterable[_Job]) -> None:
        for job in jobs:
            job.task.cancel()

    async def _run(self, job: _Job, kept: Sequence[_Job]) -> None:
        wanted = job.wanted
        if waiting := [before.task for before in kept if not before.task.done()]:
            await asyncio.wait(waiting)
        if not wanted.final and job is not self._jobs[-1]:
            self._tell_failed(wanted)  # something newer waits
            return
        before = [done.stretch for done in kept if done.stretch is not None]
        try:
            stretch = await self._understand(wanted, since=before[-1].until if before else wanted.since)
        except TensorWallError as error:
            if wanted.final and not job.kept:  # otherwise the next one tells
                self._show(Noticed(error.message, error.hint))
            self._tell_failed(wanted)
            return
        if stretch.text:
            job.stretch = stretch
        if not job.kept:
            self._pass_on(wanted, before, stretch)

    async def _understand(self, wanted: Transcribe, since: float) -> _Stretch:
        purpose: Purpose = "final" if wanted.final else "partial"
        samples = self.engine.recording(since, wanted.until)
        transcript = await self.transcriber.transcribe(samples, self._hints(), purpose=purpose)
        text = " ".join(safe_text(transcript.text).split())
        if text:
            self._understood(transcript.language)
        return _Stretch(since, wanted.until, text, transcript.confidence)

    def _pass_on(self, wanted: Transcribe, before: Sequence[_Stretch], latest: _Stretch) -> None:
        """Show and tell the whole turn as it is understood now."""
        text, confidence = _joined([*before, latest])
        if wanted.final:
            self.confidence = confidence
        if text:
            stable, tail = self._agree(latest)
            settled = " ".join([*(stretch.text for stretch in before), stable])
            self._show(PartialText(wanted.turn, settled.strip(), tail))
        self._tell(
            TranscriptReady(
                self.engine.now(),
                wanted.turn,
                wanted.revision,
                text,
                final=wanted.final,
                confidence=confidence,
            )
        )

    def _tell_failed(self, wanted: Transcribe) -> None:
        self._tell(TranscriptionFailed(self.engine.now(), wanted.turn, wanted.revision, final=wanted.final))

    def _agree(self, latest: _Stretch) -> tuple[str, str]:
        """What two transcripts of the same stretch agree on, and the rest."""
        if latest.since != self._agreed_since:
            self._agreement, self._agreed_since = Agreement(), latest.since
        return self._agreement.add(latest.text)


def _joined(stretches: Sequence[_Stretch]) -> tuple[str, float]:
    """Their words, which are as certain as the least certain stretch."""
    spoken = [stretch for stretch in stretches if stretch.text] or stretches[-1:]
    return " ".join(stretch.text for stretch in spoken), min(stretch.confidence for stretch in spoken)
