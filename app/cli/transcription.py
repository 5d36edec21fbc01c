"""From a sound file to stdout: who listens, and how what they hear is written."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from shutil import copyfileobj
from typing import Any

from app.cli.output import emit, emit_json, note
from app.cli.progress_line import ProgressLine
from app.cli.terminal import is_terminal
from app.figures import duration, money
from app.subtitles import cues
from core.errors import InputError
from core.settings import VoiceSettings
from core.voice.transcription.audio_file import AudioFile
from core.voice.transcription.cloud import CloudTranscriber
from core.voice.transcription.long_recording import Heard, transcribe_long
from core.voice.transcription.vocabulary import hints_for
from core.voice.transcription.whisper import WhisperTranscriber

__all__ = ("Asked", "transcribe_file")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks of ``transcribe``, beside the file.

    Attributes:
        settings: model, language and vocabulary.
        output: ``text``, ``json`` or ``srt``.
        groq: ask Groq, for ``groq_model`` or its quickest.
    """

    settings: VoiceSettings
    output: str
    groq: bool = False
    groq_model: str | None = None


async def transcribe_file(file: Path, asked: Asked) -> int:
    """Write what is said in a file to stdout; gives the exit status.

    Raises:
        InputError: the file cannot be read, or is damaged from some point on.
        VoiceError: it cannot be transcribed.
    """
    hints = hints_for(asked.settings.vocabulary, language=asked.settings.language)
    words = asked.output != "text"
    with _opened(file) as sound:
        async with _transcriber(asked) as transcriber:
            await transcriber.warm()
            written = _Written(asked.output, transcriber.label)
            with _Progress(sound.seconds) as progress:
                try:
                    async with aclosing(
                        transcribe_long(sound.samples(), transcriber, hints, words=words)
                    ) as stream:
                        async for heard in stream:
                            _show(heard, written, progress)
                    written.complete = True
                except asyncio.CancelledError:
                    progress.hide()
                    note(f"stopped at {_clock(progress.seconds)}; what was understood until then is kept")
                    raise
                finally:
                    progress.hide()
                    written.finish()
    return 0


def _show(heard: Heard | float, written: _Written, progress: _Progress) -> None:
    if isinstance(heard, Heard):
        progress.hide()
        written.add(heard)
        progress.at(heard.end)
    else:
        progress.at(heard)


@contextmanager
def _opened(file: Path) -> Iterator[AudioFile]:
    """The file, or stdin, which is read to its end first: many kinds of file are read from their ends."""
    if str(file) != "-":
        with AudioFile(file, str(file)) as sound:
            yield sound
        return
    if sys.stdin is None or is_terminal(sys.stdin):
        raise InputError("There is nothing on stdin.", hint="Give a file, or pipe one into stdin.")
    with tempfile.TemporaryFile() as kept:
        copyfileobj(sys.stdin.buffer, kept)
        if not kept.tell():
            raise InputError("stdin is empty.", hint="Give a file, or pipe one into stdin.")
        kept.seek(0)
        with AudioFile(kept, "stdin") as sound:
            yield sound


@asynccontextmanager
async def _transcriber(asked: Asked) -> AsyncIterator[WhisperTranscriber | CloudTranscriber]:
    """Who listens; the application behind it is opened for Groq alone."""
    if not asked.groq:
        from core.locations import find_locations

        local = WhisperTranscriber(asked.settings.model, models_dir=find_locations().speech_models_dir)
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
            yield speech.transcriber(asked.groq_model) if asked.groq_model else speech.transcriber()
        finally:
            await speech.aclose()


@dataclass(slots=True)
class _Written:
    """What has been heard, in the form that was asked for.

    Attributes:
        complete: the whole file was heard.
        left_out: there was speech that made no sense.
    """

    output: str
    label: str
    complete: bool = False
    left_out: bool = False
    heard: list[Heard] = field(default_factory=list)
    cost: Decimal | None = Decimal(0)
    _begun: float = field(default_factory=time.monotonic)
    _number: int = 0

    def add(self, heard: Heard) -> None:
        """Write what can be written now."""
        transcript = heard.transcript
        if self.cost is not None:
            self.cost = None if transcript.cost is None else self.cost + transcript.cost
        if transcript.rejected:
            self.left_out = True
            where = f"{_clock(heard.start)} to {_clock(heard.end)}"
            note(f"left out {where}: {transcript.rejected}")
        if not transcript.text:
            return
        self.heard.append(heard)
        if self.output == "text":
            emit(transcript.text)
        elif self.output == "srt":
            for cue in cues(transcript.words):
                self._number += 1
                emit(cue.numbered(self._number))

    def finish(self) -> None:
        """Write what comes last, and say on stderr what it took."""
        if self.output == "json":
            emit_json(self._as_object())
        if not self.heard and self.complete:
            note("nothing was understood in it" if self.left_out else "nothing is said in it")
        if self.cost is None or self.cost:
            note(f"{self.label}: {money(self.cost)}")

    def _as_object(self) -> dict[str, Any]:
        last = self.heard[-1].transcript if self.heard else None
        return {
            "text": " ".join(heard.transcript.text for heard in self.heard),
            "language": last.language if last else None,
            "engine": last.engine if last else None,
            "model": last.model if last else None,
            "complete": self.complete,
            "took_seconds": round(time.monotonic() - self._begun, 3),
            "cost_usd": self.cost,
            "segments": [_segment(heard) for heard in self.heard],
        }


def _segment(heard: Heard) -> dict[str, Any]:
    transcript = heard.transcript
    return {
        "start": round(heard.start, 3),
        "end": round(heard.end, 3),
        "text": transcript.text,
        "confidence": round(transcript.confidence, 3),
        "words": [
            {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}
            for word in transcript.words
        ],
    }


class _Progress(ProgressLine):
    """How far into the file it is, in ``seconds``, and how fast that goes."""

    def __init__(self, seconds: float | None) -> None:
        super().__init__()
        self.seconds = 0.0
        self._whole = seconds
        self._begun = time.monotonic()

    def at(self, seconds: float) -> None:
        """So many seconds of sound are done."""
        self.seconds = seconds
        took = time.monotonic() - self._begun
        text = _clock(seconds)
        if self._whole:
            text += f" of {_clock(self._whole)}"
        if took > 1:
            speed = seconds / took
            text += f", {speed:.1f} times as fast as it sounds"
            if self._whole and self._whole > seconds:
                text += f", {duration((self._whole - seconds) / speed)} left"
        self.show(text)


def _clock(seconds: float) -> str:
    """Minutes and seconds, and hours where there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
