"""The parts of a voice loop, each made as the settings say. Imports the audio and speech packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.read_aloud import groq_synthesiser, local_synthesiser
from core.errors import CredentialsError
from core.voice.activity import SileroActivity
from core.voice.engine import AudioEngine
from core.voice.synthesis.ladder import SynthesiserLadder
from core.voice.transcription.ladder import TranscriberLadder
from core.voice.transcription.whisper import WhisperTranscriber
from core.voice.turn_taking.policy import TurnPolicy

if TYPE_CHECKING:
    from app.composition import Services
    from app.groq_speech import GroqSpeech
    from core.settings import VoiceSettings
    from core.voice.synthesis.synthesiser import Synthesiser
    from core.voice.transcription.transcriber import Transcriber

__all__ = ("Announce", "make_engine", "make_policy", "make_synthesiser", "make_transcriber")

Announce = Callable[[str, str], None]
"""Tells the user a line, and what can be done about it."""


def make_engine(settings: VoiceSettings) -> AudioEngine:
    """Microphone and speaker, closed so far."""
    return AudioEngine(
        microphone=settings.microphone,
        speaker=settings.speaker,
        echo=settings.echo,
        activity=SileroActivity(),
        volume=settings.volume,
        longest=settings.cap,
    )


def make_policy(settings: VoiceSettings, *, bills: bool) -> TurnPolicy:
    """How patient and forward turn-taking is.

    Args:
        settings: the ``voice`` section.
        bills: a service listens, which bills ten seconds for each transcript: none early, none partial.
    """
    policy = TurnPolicy(
        patience=settings.patience,
        barge_in=settings.barge_in,
        auto_send=settings.auto_send,
        speculate=settings.speculate,
        cap=settings.cap,
    )
    if bills:
        return replace(policy, early_transcripts=False, partial_every=None)
    return policy


def make_transcriber(
    services: Services, settings: VoiceSettings, groq: GroqSpeech | None, announce: Announce
) -> Transcriber:
    """Who turns speech into text; ``groq`` is ``None`` where it may not or cannot be asked.

    ``announce`` is told whenever it becomes another: before a recording leaves this machine, and when
    none does any more.

    Raises:
        CredentialsError: Groq was chosen, and there is no key for it.
    """
    if settings.transcriber == "groq":
        return _needed(groq).transcriber()
    local = WhisperTranscriber(settings.model, models_dir=services.locations.speech_models_dir)
    if settings.transcriber == "local" or groq is None:
        return local
    return TranscriberLadder(local, groq.transcriber(), announce)


def make_synthesiser(settings: VoiceSettings, groq: GroqSpeech | None, announce: Announce) -> Synthesiser:
    """Who reads aloud: a voice of this system or, where it is chosen, of Groq before that.

    Raises:
        CredentialsError: Groq was chosen, and there is no key for it.
    """
    local = local_synthesiser(settings)
    if settings.synthesiser == "local":
        return local
    return SynthesiserLadder(groq_synthesiser(settings, _needed(groq)), local, announce)


def _needed(groq: GroqSpeech | None) -> GroqSpeech:
    if groq is None:
        raise CredentialsError(
            "Groq is to listen or to speak, and there is no key for it.",
            hint="Run `tensorwall login`, or set voice.transcriber and voice.synthesiser to local.",
        )
    return groq
