"""Whose voice reads aloud: one name in the settings, two worlds that it may belong to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING

from core.providers.speech import GROQ_VOICES, LONGEST_SPOKEN
from core.voice.synthesis.synthesiser import Voice

if TYPE_CHECKING:
    from app.groq_speech import GroqSpeech
    from core.settings import VoiceSettings
    from core.voice.audio import PcmChunk
    from core.voice.spoken_text.chunker import ClauseChunker
    from core.voice.spoken_text.clause import Clause
    from core.voice.synthesis.cloud import CloudSynthesiser
    from core.voice.synthesis.process import ProcessSynthesiser
    from core.voice.synthesis.synthesiser import Synthesiser

__all__ = ("groq_synthesiser", "groq_voices", "local_synthesiser", "sound_of")


def local_synthesiser(settings: VoiceSettings) -> ProcessSynthesiser:
    """The voices of this system; a voice of Groq's in the settings is left to Groq."""
    from core.voice.synthesis.process import ProcessSynthesiser

    voice = None if settings.voice in GROQ_VOICES else settings.voice
    return ProcessSynthesiser(voice=voice, rate=settings.rate, language=settings.language)


def groq_synthesiser(settings: VoiceSettings, speech: GroqSpeech) -> CloudSynthesiser:
    """Groq's voices; a voice of this system in the settings is left to this system."""
    from core.voice.synthesis.cloud import CloudSynthesiser

    voice = settings.voice if settings.voice in GROQ_VOICES else GROQ_VOICES[0]
    return CloudSynthesiser(
        speech.speak, voice=voice, label="Groq", voices=groq_voices(), longest=LONGEST_SPOKEN
    )


def groq_voices() -> list[Voice]:
    """The voices of Groq's English model."""
    return [Voice(name, name.title(), ("en",)) for name in GROQ_VOICES]


async def sound_of(
    text: AsyncIterator[str], synthesiser: Synthesiser, language: str | None
) -> AsyncGenerator[PcmChunk, None]:
    """The sound of a text while it arrives, clause by clause; Markdown is read as a person would.

    Raises:
        VoiceUnavailable, SynthesisFailed: it cannot be spoken.
    """
    from core.voice.spoken_text.chunker import ClauseChunker

    async for clause in _clauses(text, ClauseChunker(language=language)):
        async with aclosing(synthesiser.speak(clause.spoken)) as chunks:
            async for chunk in chunks:
                yield chunk


async def _clauses(text: AsyncIterator[str], chunker: ClauseChunker) -> AsyncIterator[Clause]:
    async for piece in text:
        for clause in chunker.feed(piece):
            yield clause
    for clause in chunker.finish():
        yield clause
