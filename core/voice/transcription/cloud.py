"""A service that listens: the recording leaves the machine, and it costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

from core.errors import TensorWallError, TranscriptionFailed, VoiceError
from core.safe_text import safe_text
from core.voice.audio import SAMPLE_RATE, Samples
from core.voice.transcription.gate import Reading, judge
from core.voice.transcription.language import language_code
from core.voice.transcription.transcriber import Hints, Purpose, Transcript, Word
from core.voice.transcription.vocabulary import mend
from core.voice.transcription.wav import wav_of

__all__ = ("CloudCall", "CloudText", "CloudTranscriber")

_USUAL = -0.2  # log probability where the service does not say: neither doubt nor certainty


@dataclass(frozen=True, slots=True)
class CloudText:
    """What a service understood.

    Attributes:
        language: as a code or a name; empty where it is not said.
        mean_log_probability: of the tokens; ``None`` where it is not said.
        no_speech: the probability that nobody spoke; ``None`` where it is not said.
        cost: US dollars; ``None`` where the price is unknown.
    """

    text: str
    language: str = ""
    mean_log_probability: float | None = None
    no_speech: float | None = None
    words: tuple[Word, ...] = ()
    cost: Decimal | None = None


CloudCall = Callable[[bytes, Hints, bool], Awaitable[CloudText]]
"""Asks the service: given a WAV file, the hints and whether to time words; raises ``core.errors``."""


async def _nothing() -> None:
    return None


class CloudTranscriber:
    """A ``Transcriber`` over a service.

    Args:
        call: asks the service.
        model: what it is asked for.
        engine: what transcripts say it was.
        service: how the screen names it.
        warm: opens a connection ahead of need.
    """

    def __init__(
        self,
        call: CloudCall,
        *,
        model: str,
        engine: str,
        service: str,
        warm: Callable[[], Awaitable[object]] = _nothing,
    ) -> None:
        self._call = call
        self._model = model
        self._engine = engine
        self._service = service
        self._connect = warm

    @property
    def label(self) -> str:
        """Who listens, as the screen says it."""
        return f"{self._service} {self._model}"

    @property
    def bills(self) -> bool:
        """Always."""
        return True

    async def warm(self) -> None:
        """Open a connection; nothing is asked, since that would cost."""
        await self._connect()

    async def transcribe(
        self, samples: Samples, hints: Hints, *, purpose: Purpose = "final", words: bool = False
    ) -> Transcript:
        """The text of a recording.

        Partials are refused: each would be billed as ten seconds.

        Raises:
            TranscriptionFailed: the service cannot be asked, or a partial was asked for.
        """
        if purpose == "partial":
            raise TranscriptionFailed(f"{self.label} is asked for whole recordings only.")
        begun = time.perf_counter()
        try:
            heard = await self._call(await asyncio.to_thread(wav_of, samples), hints, words)
        except VoiceError:
            raise
        except TensorWallError as error:
            raise TranscriptionFailed(
                f"{self._service} did not transcribe: {error.message}", hint=error.hint
            ) from error
        reading = Reading(
            text=" ".join(safe_text(heard.text).split()),
            seconds=len(samples) / SAMPLE_RATE,
            mean_log_probability=_USUAL if heard.mean_log_probability is None else heard.mean_log_probability,
            no_speech=heard.no_speech or 0.0,
        )
        verdict = judge(reading, hints.hotwords)
        return Transcript(
            text=mend(verdict.text, hints.vocabulary, hints.hotwords),
            language=language_code(heard.language) or hints.language or "",
            confidence=reading.confidence if verdict.text else 0.0,
            seconds=reading.seconds,
            took=time.perf_counter() - begun,
            engine=self._engine,
            model=self._model,
            words=heard.words if verdict.text else (),
            cost=heard.cost,
            rejected=verdict.rejected,
        )

    async def aclose(self) -> None:
        """Nothing: the connection is the application's."""
