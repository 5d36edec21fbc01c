"""The doctor's checks of voice: what there is to hear, understand and speak with. Nothing is opened.

Whether a microphone that is there also hears is for ``tensorwall voice setup`` to find out.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.failures import one_line
from app.cli.finding import Finding
from core.errors import ConfigurationError, SpeechModelUnusable, VoiceError

if TYPE_CHECKING:
    from core.settings import VoiceSettings

__all__ = ("check_voice", "no_device")

_SETUP = "tensorwall voice setup"


async def check_voice() -> list[Finding]:
    """Microphone, speaker, echo, transcription and voice. None is needed to chat, so none is broken."""
    from core.settings import VoiceSettings, load_settings
    from core.voice.availability import find_missing

    for missing in find_missing():
        if missing.kind == "package":
            return [Finding("voice", "note", f"{missing.what} is not installed", missing.mend)]
    try:
        settings = load_settings().voice
    except ConfigurationError:  # which has a row of its own
        settings = VoiceSettings()
    async with asyncio.TaskGroup() as group:
        devices = group.create_task(_devices(settings))
        voice = group.create_task(_voice(settings))
    return [*devices.result(), _echo(settings), _transcription(settings), voice.result()]


async def _devices(settings: VoiceSettings) -> list[Finding]:
    from core.voice.engine.devices import list_devices

    try:
        devices = await list_devices()
    except VoiceError as error:
        return [_told("microphone", error), _told("speaker", error)]
    return [
        _device("microphone", settings.microphone, devices.microphones, devices.default_microphone),
        _device("speaker", settings.speaker, devices.speakers, devices.default_speaker),
    ]


def _device(name: str, chosen: str | None, there: tuple[str, ...], default: str | None) -> Finding:
    if not there:
        return Finding(name, "note", f"there is no {name}", no_device())
    if chosen and chosen not in there:
        instead = f": {default} is used meanwhile" if default else ""
        return Finding(name, "note", f"{chosen} is not there{instead}", f"Plug it in, or choose: {_SETUP}")
    others = f" ({len(there) - 1} more)" if len(there) > 1 else ""
    which = chosen or f"{default or there[0]}, the system's default"
    return Finding(name, "ok", f"{which}{others}")


def no_device(environment: Mapping[str, str] = os.environ) -> str:
    """Why this machine may have no microphone or speaker, and what brings one."""
    if environment.get("SSH_CONNECTION"):
        return "Over SSH the far machine's sound is used: run TensorWall on the one before you."
    if Path("/.dockerenv").exists() or Path("/run/.containerenv").exists():
        return "In a container, share PulseAudio's socket with it and name it in PULSE_SERVER."
    if "microsoft" in platform.release().lower():
        return "In WSL, run in Windows: wsl --update"
    if sys.platform == "linux":
        return "Plug one in, and see that PulseAudio or PipeWire runs: systemctl --user status pipewire"
    return "Plug one in, and allow the terminal to use it in the system's privacy settings."


def _echo(settings: VoiceSettings) -> Finding:
    if settings.echo == "off":
        return Finding("echo", "ok", "let in, as voice.echo says: for headphones")
    if settings.echo == "half_duplex":
        return Finding("echo", "ok", "the microphone rests while the assistant speaks, as voice.echo says")
    if find_spec("pywebrtc_audio") is None:
        rests = "the canceller is not installed, so the microphone rests while the assistant speaks"
        return Finding("echo", "note", rests, "pip install pywebrtc-audio")
    return Finding("echo", "ok", "the assistant's own voice is cancelled in the microphone")


def _transcription(settings: VoiceSettings) -> Finding:
    from core.locations import find_locations
    from core.voice.transcription.models import find_model

    if settings.transcriber == "groq":
        return Finding("transcription", "ok", "by Groq, as voice.transcriber says")
    try:
        folder = find_model(settings.model, find_locations().speech_models_dir)
    except SpeechModelUnusable as error:
        return _told("transcription", error)
    return Finding("transcription", "ok", f"Whisper {settings.model}, here ({folder})")


async def _voice(settings: VoiceSettings) -> Finding:
    from core.voice.synthesis.process import ProcessSynthesiser

    if settings.synthesiser == "groq":
        return Finding("voice", "ok", "by Groq, as voice.synthesiser says")
    synthesiser = ProcessSynthesiser(voice=settings.voice, rate=settings.rate, language=settings.language)
    try:
        voices = await synthesiser.voices()
    except VoiceError as error:
        return _told("voice", error)
    finally:
        await synthesiser.aclose()
    if settings.voice and settings.voice not in (voice.id for voice in voices):
        return Finding("voice", "note", f"there is no voice {settings.voice}", "tensorwall say --voices")
    return Finding("voice", "ok", f"{synthesiser.label} ({len(voices)} voices)")


def _told(name: str, error: VoiceError) -> Finding:
    return Finding(name, "note", one_line(error.message), one_line(error.hint))
