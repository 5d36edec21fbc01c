"""A provider's ears and voice, with every call in the ledger: what the cloud engines of voice are given."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import Callable

from app.composition import Services
from core.costs.budgets import has_hard_limit
from core.costs.speech_calls import SpeechCall, measured
from core.errors import CredentialsError, TensorWallError
from core.providers import OpenAICompatibleProvider
from core.providers.speech import GROQ_SPEECH, GROQ_TRANSCRIPTION
from core.voice.transcription.cloud import CloudText, CloudTranscriber
from core.voice.transcription.transcriber import Hints, Word

__all__ = ("GroqSpeech",)

Announce = Callable[[str, str], None]


class GroqSpeech:
    """Groq's Whisper and Orpheus as the voice loop calls them.

    A call never waits for its row in the ledger; `aclose` does, for all of them.

    Args:
        services: whose provider, prices and ledger are used.
        announce: told where a call could not be booked, in one line and a hint.
        session: gives the conversation that calls are booked to, where there is one.

    Raises:
        CredentialsError: there is no key for Groq.
    """

    def __init__(
        self, services: Services, announce: Announce, session: Callable[[], str | None] = lambda: None
    ) -> None:
        provider = services.providers.get("groq")
        if not isinstance(provider, OpenAICompatibleProvider):
            raise CredentialsError(
                "There is no API key for Groq.", hint="Set GROQ_API_KEY or run `tensorwall login`."
            )
        self._provider = provider
        self._services = services
        self._announce = announce
        self._session = session
        self._bookings: set[asyncio.Task[None]] = set()

    def transcriber(self, model: str = GROQ_TRANSCRIPTION) -> CloudTranscriber:
        """A transcriber over this provider."""

        async def call(recording: bytes, hints: Hints, words: bool) -> CloudText:
            return await self.transcribe(recording, hints, words, model=model)

        return CloudTranscriber(call, model=model, engine="groq", service="Groq", warm=self._provider.warm)

    async def transcribe(
        self, recording: bytes, hints: Hints, words: bool = False, *, model: str = GROQ_TRANSCRIPTION
    ) -> CloudText:
        """What is said in a WAV file.

        Raises:
            ProviderError, CredentialsError: the call failed.
            BudgetExceeded: a hard limit refuses the call.
        """
        call = SpeechCall("transcription", self._provider.name, model, seconds=_seconds(recording))
        await self._admit(call)
        try:
            with measured(call, self._services.catalogue):
                heard = await self._provider.transcribe(
                    recording,
                    model=model,
                    language=hints.language,
                    prompt=", ".join(hints.hotwords),
                    words=words,
                )
        finally:
            self._book(call)
        return CloudText(
            heard.text,
            language=heard.language,
            mean_log_probability=heard.mean_log_probability,
            no_speech=heard.no_speech,
            words=tuple(Word(word.text, word.start, word.end, 1.0) for word in heard.words),
            cost=call.cost,
        )

    async def speak(self, text: str, voice: str) -> bytes:
        """A text as a WAV file: what ``CloudSynthesiser`` calls.

        Raises:
            ProviderError, CredentialsError: the call failed.
            BudgetExceeded: a hard limit refuses the call.
        """
        call = SpeechCall("speech", self._provider.name, GROQ_SPEECH, characters=len(text))
        await self._admit(call)
        try:
            with measured(call, self._services.catalogue):
                return await self._provider.speak(text, model=GROQ_SPEECH, voice=voice)
        finally:
            self._book(call)

    async def aclose(self) -> None:
        """Wait until every call is booked; the provider is the application's and stays open."""
        await asyncio.gather(*self._bookings)

    async def _admit(self, call: SpeechCall) -> None:
        """Have money set aside for the call; where there is no hard limit nobody waits for storage."""
        budgets = self._services.assistant.budgets  # those in force, which may have been changed
        if has_hard_limit(budgets):
            call.look_up(self._services.catalogue)
            ledger = (await self._services.records()).ledger
            await ledger.gate(budgets, self._session()).admit_speech(call)

    def _book(self, call: SpeechCall) -> None:
        booking = asyncio.create_task(self._booked(call), name=f"book {call.feature}")
        self._bookings.add(booking)
        booking.add_done_callback(self._bookings.discard)

    async def _booked(self, call: SpeechCall) -> None:
        try:
            records = await self._services.records()
            await records.ledger.book_speech(call, self._session())
        except TensorWallError as error:
            self._announce(f"A call to {call.model} is missing in the ledger: {error.message}", error.hint)


def _seconds(recording: bytes) -> float:
    with wave.open(io.BytesIO(recording)) as sound:
        return float(sound.getnframes() / sound.getframerate())
