"""The voice loop's composition root: settings go in, the parts come out, made once and wired together.

Importing this is light; the audio and speech packages are imported when `compose_voice` runs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from core.errors import VoiceError
from core.voice.availability import check_available

if TYPE_CHECKING:
    from app.composition import Services
    from core.settings import VoiceSettings
    from core.voice.engine import AudioEngine
    from core.voice.reply import Replier
    from core.voice.spoken_text.chunker import ClauseChunker
    from core.voice.transcription.transcriber import Hints

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
) -> VoiceServices:
    """Make a voice loop from the settings; nothing is opened before its loop runs.

    Args:
        services: the application: its router is warmed, its providers hear and speak where chosen.
        replier: gives answers; see ``app.voice_reply.VoiceReply``.
        settings: in place of the services' own ``voice`` section.
        words: gives what was said in the conversation lately: its names and terms are listened for.

    Raises:
        VoiceUnavailable: a package or system library is missing; the hint has the command that mends it.
    """
    check_available()
    settings = settings or services.settings.voice
    engine = await asyncio.to_thread(_new_engine, settings)
    return VoiceServices(services, replier, settings, words, engine)


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
        words: Callable[[], str],
        engine: AudioEngine,
    ) -> None:
        from app import voice_parts
        from core.voice.loop import VoiceLoop
        from core.voice.turn_taking.machine import TurnMachine

        self.settings = settings
        self._services = services
        self._words = words
        self._machine = TurnMachine(voice_parts.make_policy(settings))
        self.transcriber = voice_parts.make_transcriber(services, settings, self._announce)
        self.synthesiser = voice_parts.make_synthesiser(services, settings, self._announce)
        self.loop = VoiceLoop(
            engine=engine,
            transcriber=self.transcriber,
            synthesiser=self.synthesiser,
            replier=replier,
            machine=self._machine,
            chunker=self._chunker,
            hints=self._hints,
            approach=services.router.warm,
            hands_free=settings.mode == "hands_free",
            speak=settings.speak != "never",
        )

    async def apply(self, settings: VoiceSettings) -> None:
        """Change what runs to other settings: language, voice, rate, volume, devices, engines, patience.

        Only what differs is made anew; devices change at once, the rest from the next turn on.

        Raises:
            AudioDeviceFailed: the other devices cannot be opened; the ones before are in use again.
        """
        from app import voice_parts

        before, self.settings = self.settings, settings
        self._machine.policy = voice_parts.make_policy(settings)
        self.loop.set_volume(settings.volume)
        self.loop.set_speak(settings.speak != "never")
        if _differ(before, settings, _TRANSCRIBER):
            old_transcriber = self.transcriber
            self.transcriber = voice_parts.make_transcriber(self._services, settings, self._announce)
            self.loop.use_transcriber(self.transcriber)
            await old_transcriber.aclose()
        if _differ(before, settings, _SYNTHESISER):
            old_synthesiser = self.synthesiser
            self.synthesiser = voice_parts.make_synthesiser(self._services, settings, self._announce)
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

    async def aclose(self) -> None:
        """End the loop, and every thread, process and connection of it."""
        async with contextlib.AsyncExitStack() as exits:
            exits.push_async_callback(self.transcriber.aclose)
            exits.push_async_callback(self.synthesiser.aclose)
            exits.push_async_callback(self.loop.aclose)

    def _hints(self) -> Hints:
        from core.voice.transcription.vocabulary import hints_for

        return hints_for(self.settings.vocabulary, self._words(), self.settings.language)

    def _chunker(self) -> ClauseChunker:
        from core.voice.spoken_text.chunker import ClauseChunker

        return ClauseChunker(language=self._machine.language)

    def _announce(self, text: str, hint: str = "") -> None:
        self.loop.announce(text, hint)


def _new_engine(settings: VoiceSettings) -> AudioEngine:
    """A closed engine; the first takes half a second to import what it needs."""
    from app.voice_parts import make_engine

    return make_engine(settings)


def _differ(before: VoiceSettings, after: VoiceSettings, names: tuple[str, ...]) -> bool:
    return any(getattr(before, name) != getattr(after, name) for name in names)
