"""`tensorwall transcribe`: what is said in a sound file, on stdout while it is understood."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.failures import INTERRUPTED

if TYPE_CHECKING:
    from core.settings import VoiceSettings

__all__ = ("transcribe",)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--model",
    metavar="NAME_OR_FOLDER",
    help="Whisper model of this machine, by name or folder; with --groq one of Groq's.",
)
@click.option("--language", metavar="CODE", help="Language that is spoken, such as en; else it is detected.")
@click.option(
    "--output",
    type=click.Choice(["text", "json", "srt"]),
    default="text",
    help="`text`: a line for each stretch of speech. `json`: one object with text, language, seconds, "
    "segments and their words. `srt`: subtitles.",
)
@click.option("--groq", is_flag=True, help="Ask Groq: the sound leaves this machine, and it costs.")
def transcribe(*, file: Path, model: str | None, language: str | None, output: str, groq: bool) -> int:
    """Write what is said in FILE: any sound or video file; `-` is stdin.

    The text comes while the file is read, so that a long one can be followed; stderr says how far it
    is. Ctrl-C stops and keeps what has come (exit status 130). Speech models are fetched by
    `tensorwall voice setup --model NAME`; nothing else goes over the network without --groq.
    """
    from core.voice.availability import check_packages

    check_packages()
    from app.cli.transcription import Asked, transcribe_file

    settings = _settings(model if not groq else None, language)
    try:
        return asyncio.run(
            transcribe_file(file, Asked(settings, output, groq_model=model if groq else None, groq=groq))
        )
    except KeyboardInterrupt:
        return INTERRUPTED


def _settings(model: str | None, language: str | None) -> VoiceSettings:
    """The settings, with what the command line says in their place."""
    from core.settings import load_settings

    given = {"model": model, "language": language}
    return load_settings().voice.model_copy(update={name: value for name, value in given.items() if value})
