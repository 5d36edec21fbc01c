"""The voice loop's composition root: settings go in, the parts come out, made once and wired together.

Importing this is light; the audio and speech packages are imported when `compose_voice` runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.errors import CredentialsError, TensorWallError, VoiceError
from core.voice.availability import check_available

if TYPE_CHECKING:
    from app.composition import Services
    from app.groq_speech import GroqSpeech
    from app.voice_parts import Announce
    from core.settings import VoiceSettings
    from core.voice.engine import AudioEngine
    from core.voice.reply import Replier
    from core.voice.spoken_text.chunker import ClauseChunker
    from core.voice.synthesis.synthesiser import Synthesiser
    from core.voice.transcription.transcriber import Hints, Transcriber

__all__ = ("VoiceServices", "compose_voice")

_DEVICES = ("microphone", "speaker", "echo", "cap")
_TRANSCRIBER = ("transcriber", "model")
_SYNTHESISER = ("synthesiser", "voice", "rate", "language")
"""The settings that a part is made from, and is made anew for."""


async def compose_voice(
    services: Services,
    replier: Replier,
    *,
    settings: VoiceSettings | None = None,
    words: Callable[[], str] = str,
    session: Callable[[], str | None] = lambda: None,
) -> VoiceServices:
    """Make a voice loop from the settings; nothing is opened before its loop runs.

    Args:
        services: the application: its router is warmed, its providers hear and speak where chosen.
        replier: gives answers; see ``app.voice_reply.VoiceReply``.
        settings: in place of the services' own ``voice`` section.
        words: gives what was said in the conversation lately: its names and terms are listened for.
        session: gives the conversation that transcripts and speech of a provider are booked to.

    Raises:
        VoiceUnavailable: a package or system library is missing; the hint has the command that mends it.
        CredentialsError: the settings choose Groq to listen or to speak, and there is no key for it.
    """
    await asyncio.to_thread(check_available)  # looks for libraries by asking the linker
    settings = settings or services.settings.voice
    engine = await asyncio.to_thread(_new_engine, settings)
    return VoiceServices(services, replier, settings, engine, words, session)


class VoiceServices:
    """One composed voice loop; made by `compose_voice`.

    Attributes:
        loop: run it, iterate it, command it.
        settings: what it was composed from, or was changed to by `apply`.
        transcriber: turns speech into text.
        synthesiser: turns text into speech.
    """

    def __init__(
        self,
        services: Services,
        replier: Replier,
        settings: VoiceSettings,
        engine: AudioEngine,
        words: Callable[[], str],
        session: Callable[[], str | None],
    ) -> None:
        from app.voice_parts import make_policy
        from core.voice.loop import VoiceLoop
        from core.voice.turn_taking.machine import TurnMachine

        self.settings = settings
        self._services = services
        self._words = words
        self._groq = _groq_speech(services, self._announce, session)
        self.transcriber = self._make_transcriber(settings)
        self.synthesiser = self._make_synthesiser(settings)
        self._machine = TurnMachine(make_policy(settings, bills=self.transcriber.bills))
        self._one_change = asyncio.Lock()
        self._changes: set[asyncio.Task[None]] = set()
        self.loop = VoiceLoop(
            engine=engine,
            transcriber=self.transcriber,
            synthesiser=self.synthesiser,
            replier=replier,
            machine=self._machine,
            chunker=self._chunker,
            hints=self._hints,
            approach=self._approach,
            hands_free=settings.mode == "hands_free",
            speak=settings.speak != "never",
        )

    async def apply(self, settings: VoiceSettings) -> None:
        """Change what runs to other settings: language, voice, rate, volume, devices, engines, patience.

        Only what differs is made anew; devices change at once, the rest from the next turn on. One change
        comes after the other, each to its end, even if nobody waits for it any more.

        Raises:
            AudioDeviceFailed: the other devices cannot be opened; the ones before are in use again.
            CredentialsError: they choose Groq, and there is no key for it.
        """
        change = asyncio.create_task(self._change_to(settings), name="change voice settings")
        self._changes.add(change)
        change.add_done_callback(self._changes.discard)
        try:
            await asyncio.shield(change)
        except asyncio.CancelledError:
            change.add_done_callback(self._tell_failure)
            raise

    async def aclose(self) -> None:
        """End the loop, and every thread, process and connection of it."""
        if self._changes:
            await asyncio.wait(self._changes)
        async with contextlib.AsyncExitStack() as exits:
            if self._groq is not None:
                exits.push_async_callback(self._groq.aclose)
            exits.push_async_callback(self.transcriber.aclose)
            exits.push_async_callback(self.synthesiser.aclose)
            exits.push_async_callback(self.loop.aclose)

    async def _change_to(self, settings: VoiceSettings) -> None:
        async with self._one_change:
            before, self.settings = self.settings, settings
            self.loop.set_volume(settings.volume)
            self.loop.set_speak(settings.speak != "never")
            await self._change_parts(before, settings)

    async def _change_parts(self, before: VoiceSettings, settings: VoiceSettings) -> None:
        """Make anew what the settings ask for otherwise than before."""
        if _differ(before, settings, _TRANSCRIBER):
            old_transcriber = self.transcriber
            self.transcriber = self._make_transcriber(settings)
            self.loop.use_transcriber(self.transcriber)
            await old_transcriber.aclose()
        self._adopt_policy()
        if _differ(before, settings, _SYNTHESISER):
            old_synthesiser = self.synthesiser
            self.synthesiser = self._make_synthesiser(settings)
            self.loop.use_synthesiser(self.synthesiser)
            await old_synthesiser.aclose()
        if _differ(before, settings, _DEVICES):
            try:
                await self.loop.use_engine(await asyncio.to_thread(_new_engine, settings))
            except VoiceError:
                kept = {name: getattr(before, name) for name in _DEVICES}
                self.settings = settings.model_copy(update=kept)
                await self.loop.use_engine(await asyncio.to_thread(_new_engine, self.settings))
                raise

    def _adopt_policy(self) -> None:
        from app.voice_parts import make_policy

        self._machine.policy = make_policy(self.settings, bills=self.transcriber.bills)

    def _tell_failure(self, change: asyncio.Task[None]) -> None:
        """Of a change that nobody waits for any more."""
        error = None if change.cancelled() else change.exception()
        if isinstance(error, TensorWallError):
            self._announce(error.message, error.hint)

    def _make_transcriber(self, settings: VoiceSettings) -> Transcriber:
        from app.voice_parts import make_transcriber

        return make_transcriber(self._services, settings, self._groq, self._another_listens)

    def _make_synthesiser(self, settings: VoiceSettings) -> Synthesiser:
        from app.voice_parts import make_synthesiser

        return make_synthesiser(settings, self._groq, self._announce)

    async def _approach(self) -> None:
        """Somebody speaks: open the connection and the database that the answer will need."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._services.router.warm())
            group.create_task(self._open_records())

    async def _open_records(self) -> None:
        try:
            await self._services.records()
        except TensorWallError:
            return  # whoever stores something meets the same, and tells

    def _hints(self) -> Hints:
        from core.voice.transcription.vocabulary import hints_for

        return hints_for(self.settings.vocabulary, self._words(), self.settings.language)

    def _chunker(self) -> ClauseChunker:
        from core.voice.spoken_text.chunker import ClauseChunker

        return ClauseChunker(language=self._machine.language)

    def _another_listens(self, text: str, hint: str) -> None:
        self._adopt_policy()  # what one may guess at for nothing costs money with the other
        self._announce(text, hint)

    def _announce(self, text: str, hint: str = "") -> None:
        self.loop.announce(text, hint)


def _groq_speech(
    services: Services, announce: Announce, session: Callable[[], str | None]
) -> GroqSpeech | None:
    """Groq's ears and voice, where there is a key for them."""
    from app.groq_speech import GroqSpeech

    try:
        return GroqSpeech(services, announce, session)
    except CredentialsError:
        return None


def _new_engine(settings: VoiceSettings) -> AudioEngine:
    """A closed engine; the first takes half a second to import what it needs."""
    from app.voice_parts import make_engine

    return make_engine(settings)


def _differ(before: VoiceSettings, after: VoiceSettings, names: tuple[str, ...]) -> bool:
    return any(getattr(before, name) != getattr(after, name) for name in names)
