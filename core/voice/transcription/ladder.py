"""This machine listens while it can and keeps up; otherwise a service does, announced and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable

from core.errors import SpeechModelUnusable, TranscriptionFailed, VoiceError, VoiceUnavailable
from core.voice.audio import Samples
from core.voice.transcription.transcriber import Hints, Purpose, Transcriber, Transcript

__all__ = ("TranscriberLadder",)

REST = 60.0
"""Seconds after which weights that were missing are looked for again."""

LONG_REST = 600.0
"""Seconds after which a machine that was too slow is tried again, for it may have been busy; and for which
a service that failed is not asked in place of a slow machine."""

SLOW_IN_A_ROW = 2
"""Recordings that took longer than they sound before that is believed; the first one warms up."""

LONG_ENOUGH = 1.0
"""Seconds of recording from which its speed counts."""


class TranscriberLadder:
    """A ``Transcriber`` of two: this machine, and a service for where it cannot or is too slow.

    Args:
        local: listens while it can.
        cloud: listens otherwise.
        announce: told of each change once it counts, in one line and a hint, which may be empty; a change
            to the service is told before any recording leaves the machine.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        local: Transcriber,
        cloud: Transcriber,
        announce: Callable[[str, str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._local = local
        self._cloud = cloud
        self._announce = announce
        self._clock = clock
        self._rests_until: float | None = None
        self._usable = True  # it rests for being slow, not for being unable
        self._slow = 0
        self._failed_until = float("-inf")  # the service's turn to rest

    @property
    def label(self) -> str:
        """Of the one that listens now."""
        return self._listening.label

    @property
    def bills(self) -> bool:
        """While the service listens."""
        return self._listening.bills

    async def warm(self) -> None:
        """As ``Transcriber.warm``, of this machine or, where it cannot, of the service."""
        if self._resting:
            await self._cloud.warm()
            return
        try:
            await self._local.warm()
        except (SpeechModelUnusable, VoiceUnavailable) as error:
            self._unable(error)
            await self._cloud.warm()

    async def transcribe(self, samples: Samples, hints: Hints, *, purpose: Purpose = "final") -> Transcript:
        """The text of a recording, by whoever listens now.

        Raises:
            TranscriptionFailed: neither could.
        """
        if not self._resting:
            try:
                transcript = await self._local.transcribe(samples, hints, purpose=purpose)
            except (SpeechModelUnusable, VoiceUnavailable) as error:
                self._unable(error)
            else:
                self._able(transcript, purpose)
                return transcript
        try:
            return await self._cloud.transcribe(samples, hints, purpose=purpose)
        except TranscriptionFailed as error:
            if not self._usable or purpose == "partial":
                raise
            self._rests_until, self._slow = None, 0
            self._failed_until = self._clock() + LONG_REST
            self._announce(f"{error.message} {self._local.label} listens instead.", error.hint)
            return await self._local.transcribe(samples, hints, purpose=purpose)

    async def aclose(self) -> None:
        """End both."""
        try:
            await self._local.aclose()
        finally:
            await self._cloud.aclose()

    @property
    def _listening(self) -> Transcriber:
        return self._local if self._rests_until is None else self._cloud

    @property
    def _resting(self) -> bool:
        return self._rests_until is not None and self._clock() < self._rests_until

    def _unable(self, error: VoiceError) -> None:
        listened = self._rests_until is None
        self._usable = False
        self._rests_until = self._clock() + REST
        if listened:
            self._announce(f"{error.message} {self._cloud.label} listens instead, which costs.", error.hint)

    def _able(self, transcript: Transcript, purpose: Purpose) -> None:
        """This machine did it; note how fast."""
        if self._rests_until is not None:
            self._rests_until, self._usable = None, True
            self._announce(f"{self._local.label} listens again.", "")
        if purpose == "partial" or transcript.seconds < LONG_ENOUGH:
            return
        self._slow = self._slow + 1 if transcript.took > transcript.seconds else 0
        if self._slow >= SLOW_IN_A_ROW and self._clock() >= self._failed_until:
            self._slow = 0
            self._rests_until = self._clock() + LONG_REST
            self._announce(
                f"{self._local.label} took {transcript.took:.1f} s for {transcript.seconds:.1f} s of speech. "
                f"{self._cloud.label} listens instead, which costs.",
                "A smaller model (voice.model), such as tiny, may keep up.",
            )
