"""The parts of a voice loop, each made as the settings say. Imports the audio and speech packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from core.voice.activity import SileroActivity
from core.voice.engine import AudioEngine
from core.voice.synthesis.process import ProcessSynthesiser
from core.voice.transcription.whisper import WhisperTranscriber
from core.voice.turn_taking.policy import TurnPolicy

if TYPE_CHECKING:
    from app.composition import Services
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


def make_policy(settings: VoiceSettings) -> TurnPolicy:
    """How patient and forward turn-taking is.

    Early and partial transcripts are for this machine only: a service bills ten seconds for each.
    """
    policy = TurnPolicy(
        patience=settings.patience,
        barge_in=settings.barge_in,
        auto_send=settings.auto_send,
        speculate=settings.speculate,
        cap=settings.cap,
    )
    if settings.transcriber == "groq":
        return replace(policy, early_transcripts=False, partial_every=None)
    return policy


def make_transcriber(services: Services, settings: VoiceSettings, announce: Announce) -> Transcriber:
    """Who turns speech into text."""
    return WhisperTranscriber(settings.model, models_dir=services.locations.speech_models_dir)


def make_synthesiser(services: Services, settings: VoiceSettings, announce: Announce) -> Synthesiser:
    """Who reads aloud."""
    return ProcessSynthesiser(voice=settings.voice, rate=settings.rate, language=settings.language)
