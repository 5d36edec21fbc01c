"""`tensorwall say`: a text as speech, from the speaker or into a file."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.output import note
from app.cli.terminal import is_terminal
from core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.settings import VoiceSettings
    from core.voice.synthesis.synthesiser import Synthesiser

__all__ = ("say",)


@click.command()
@click.argument("text", required=False)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a WAV file in place of speaking; `-` is stdout.",
)
@click.option("--voice", metavar="ID", help="Voice, as --voices lists them.")
@click.option("--rate", type=click.IntRange(80, 450), help="Words a minute; Groq's voices have their own.")
@click.option("--volume", type=click.FloatRange(0, 1), help="Loudness of what is played.")
@click.option("--language", metavar="CODE", help="Language of the text, such as en or de.")
@click.option("--voices", "lists", is_flag=True, help="List the voices and speak nothing.")
@click.option(
    "--groq/--local",
    default=None,
    help="Who speaks: Groq (the text leaves this machine, and it costs) or this system. By default as in "
    "the settings.",
)
def say(
    *,
    text: str | None,
    target: Path | None,
    voice: str | None,
    rate: int | None,
    volume: float | None,
    language: str | None,
    lists: bool,
    groq: bool | None,
) -> int:
    """Speak TEXT, or what stdin holds while it arrives.

    Markdown is read as a person would: links by their text, code by name alone. Ctrl-C silences it at
    once. `tensorwall chat "…" | tensorwall say` speaks an answer while it streams.
    """
    settings = _settings(voice, rate, volume, language, groq)
    if lists:
        asyncio.run(_list_voices(settings))
        return 0
    if target is not None and str(target) == "-" and is_terminal(sys.stdout):
        raise click.UsageError("A terminal cannot show sound: name a file, or redirect stdout.")
    asyncio.run(_say(_source(text), settings, target))
    return 0


def _settings(
    voice: str | None, rate: int | None, volume: float | None, language: str | None, groq: bool | None
) -> VoiceSettings:
    """The settings, with what the command line says in their place."""
    from core.providers.speech import GROQ_VOICES
    from core.settings import load_settings

    settings = load_settings().voice
    service = None if groq is None else "groq" if groq else "local"
    given = {
        "voice": voice,
        "rate": rate,
        "volume": volume,
        "language": language,
        "synthesiser": service,
    }
    settings = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    if settings.synthesiser == "groq" and voice is not None and voice not in GROQ_VOICES:
        raise InputError(f"Groq has no voice {voice!r}.", hint=f"It has {', '.join(GROQ_VOICES)}.")
    if settings.synthesiser == "local" and voice in GROQ_VOICES:
        raise InputError(f"{voice!r} is a voice of Groq's.", hint="Add --groq; --voices lists this system's.")
    return settings


def _source(text: str | None) -> AsyncIterator[str]:
    """The text, or stdin.

    Raises:
        InputError: there is neither.
    """
    from app.cli.arriving_text import arriving_text

    if text == "-" or (text is None and sys.stdin is not None and not is_terminal(sys.stdin)):
        return arriving_text()
    if text is None or not text.strip():
        raise InputError("There is nothing to say.", hint="Give a text, or pipe one into stdin.")
    return _once(text)


async def _once(text: str) -> AsyncIterator[str]:
    yield text


async def _say(text: AsyncIterator[str], settings: VoiceSettings, target: Path | None) -> None:
    from app.cli.speech_output import play, write_wave

    async with _synthesiser(settings) as synthesiser:
        if target is not None:
            await write_wave(text, synthesiser, settings, target)
            return
        from core.voice.availability import check_available

        check_available()
        with _native_noise_kept_out():
            await play(text, synthesiser, settings)


async def _list_voices(settings: VoiceSettings) -> None:
    from app.cli.tables import emit_table

    async with _synthesiser(settings) as synthesiser:
        voices = await synthesiser.voices()
    emit_table(["id", "language", "name"], [[v.id, ", ".join(v.languages), v.name] for v in voices])


@asynccontextmanager
async def _synthesiser(settings: VoiceSettings) -> AsyncIterator[Synthesiser]:
    """Who speaks, by the settings; the application behind it is opened for Groq alone."""
    from app.read_aloud import groq_synthesiser, local_synthesiser

    if settings.synthesiser == "local":
        local = local_synthesiser(settings)
        try:
            yield local
        finally:
            await local.aclose()
        return
    from app.cli.services import open_services
    from app.groq_speech import GroqSpeech

    async with open_services() as services:
        speech = GroqSpeech(services, lambda problem, hint: note(f"{problem} {hint}".rstrip()))
        try:
            yield groq_synthesiser(settings, speech)
        finally:
            await speech.aclose()


@contextmanager
def _native_noise_kept_out() -> Iterator[None]:
    """What audio libraries print goes to the log that the full-screen interface has for it; we may speak."""
    from app.stderr_guard import guard_stderr
    from core.locations import find_locations

    log = find_locations().cache_dir / "stderr.log"
    with guard_stderr(log) as terminal, redirect_stderr(terminal):
        yield
