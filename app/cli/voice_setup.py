"""`tensorwall voice setup`: speech weights, microphone and speaker, and ten seconds to see that all works."""

from __future__ import annotations

import asyncio
import sys
from contextlib import redirect_stderr
from typing import TYPE_CHECKING

import click

from app.cli.finding import emit_findings
from app.cli.options import table_or_json
from app.cli.output import note
from app.cli.terminal import is_terminal
from core.errors import InputError, SpeechModelUnusable

if TYPE_CHECKING:
    from pathlib import Path

    from app.cli.finding import Finding
    from core.settings import VoiceSettings
    from core.voice.transcription.models import KnownModel

__all__ = ("setup",)


@click.command()
@click.option("--model", metavar="NAME", help="Speech model to fetch and use, such as tiny.en or small.")
@click.option("--microphone", metavar="NAME", help="Microphone to use; the beginning of its name is enough.")
@click.option("--speaker", metavar="NAME", help="Speaker to use; the beginning of its name is enough.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: take what is chosen already, or the default.")
@click.option("--no-check", is_flag=True, help="Leave out the ten seconds of listening and speaking.")
@table_or_json
def setup(
    *, model: str | None, microphone: str | None, speaker: str | None, yes: bool, no_check: bool, form: str
) -> int:
    """Get ready to talk: fetch speech weights, choose devices, and check them in ten seconds.

    What is chosen is kept in the settings. Where stdin is no terminal nothing is asked. Exit status 1
    when something does not work; each finding has its mend.
    """
    from core.voice.availability import check_available

    check_available()
    person = not yes and is_terminal(sys.stdin)
    _have_weights(model, ask=person)
    _choose_devices(microphone, speaker, ask=person)
    if no_check:
        return 0
    return 0 if emit_findings(asyncio.run(_check(person=person)), form) else 1


def _settings() -> VoiceSettings:
    from core.settings import load_settings

    return load_settings().voice


def _keep(name: str, value: str | None) -> None:
    """Save a setting where it changes."""
    from core.settings import save_setting

    if getattr(_settings(), name) != value:
        save_setting(None, f"voice.{name}", value)
        note(f"Kept: voice.{name} = {value or 'the default'}")


def _have_weights(model: str | None, *, ask: bool) -> None:
    """See to it that the model is on this machine, and keep its name.

    Raises:
        SpeechModelUnusable: it is not, and cannot be fetched by name or is not wanted.
        DownloadFailed: it could not be fetched; what arrived is kept.
    """
    from core.locations import find_locations
    from core.voice.transcription.models import find_model, known_model

    settings = _settings()
    if settings.transcriber == "groq" and model is None:
        return
    name = model or settings.model
    folder = find_locations().speech_models_dir
    try:
        find_model(name, folder)
    except SpeechModelUnusable as missing:
        known = known_model(name)
        if known is None:
            raise
        note(missing.message)
        if ask and not click.confirm(f"Download it ({known.size / 1e6:,.0f} MB)?", default=True, err=True):
            raise
        asyncio.run(_download(known, folder))
    if model is not None:
        _keep("model", model)


async def _download(model: KnownModel, folder: Path) -> None:
    from app.cli.download_line import DownloadLine
    from app.speech_download import download_model

    try:
        with DownloadLine(model.name) as line:
            kept = await download_model(model, folder, line.show)
    except asyncio.CancelledError:
        note("What has arrived is kept: the next time it goes on from there.")
        raise
    note(f"The speech model {model.name} is in {kept}.")


def _choose_devices(microphone: str | None, speaker: str | None, *, ask: bool) -> None:
    from core.voice.engine.devices import list_devices

    devices = asyncio.run(list_devices())
    for kind, given, names, default in (
        ("microphone", microphone, devices.microphones, devices.default_microphone),
        ("speaker", speaker, devices.speakers, devices.default_speaker),
    ):
        if given is not None:
            _keep(kind, _named(given, names, kind))
        elif ask and len(names) > 1:
            _keep(kind, _ask(kind, names, default))


def _ask(kind: str, names: tuple[str, ...], default: str | None) -> str | None:
    """One of several devices, by number; ``None`` for the system's default, whichever that is later."""
    current = getattr(_settings(), kind)
    note(f"Choose a {kind}:")
    note(f"  0  the system's default, {default} now")
    for number, name in enumerate(names, start=1):
        note(f"  {number}  {name}")
    usual = names.index(current) + 1 if current in names else 0
    number = click.prompt("Number", type=click.IntRange(0, len(names)), default=usual, err=True)
    return names[number - 1] if number else None


def _named(wanted: str, names: tuple[str, ...], kind: str) -> str:
    """The one device that is called so, or whose name begins so.

    Raises:
        InputError: none is, or several.
    """
    found = [name for name in names if name.lower() == wanted.lower()]
    found = found or [name for name in names if name.lower().startswith(wanted.lower())]
    if len(found) == 1:
        return found[0]
    there = ", ".join(names) or "none"
    raise InputError(
        f"{'Several' if found else 'No'} {kind}s begin with {wanted!r}.", hint=f"There: {there}."
    )


async def _check(*, person: bool) -> list[Finding]:
    from app.cli.sound_check import SoundCheck
    from app.stderr_guard import guard_stderr
    from app.voice_parts import make_engine
    from core.locations import find_locations
    from core.voice.synthesis.process import ProcessSynthesiser
    from core.voice.transcription.whisper import WhisperTranscriber

    settings, locations = _settings(), find_locations()
    synthesiser = ProcessSynthesiser(voice=settings.voice, rate=settings.rate, language="en")
    transcriber = WhisperTranscriber(settings.model, models_dir=locations.speech_models_dir)
    check = SoundCheck(
        make_engine(settings),
        synthesiser,
        None if settings.transcriber == "groq" else transcriber,
        settings.model,
        person,
    )
    try:
        with guard_stderr(locations.cache_dir / "stderr.log") as terminal, redirect_stderr(terminal):
            return await check.run()
    finally:
        await synthesiser.aclose()
        await transcriber.aclose()
