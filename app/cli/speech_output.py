"""Where `tensorwall say` sends speech: to the speaker, or into a WAV file."""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
import sys
import tempfile
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from app.cli.output import ReaderGone, note
from app.read_aloud import sound_of
from core.errors import InputError, TensorWallError
from core.voice.spoken_text.chunker import ClauseChunker

if TYPE_CHECKING:
    from core.settings import VoiceSettings
    from core.voice.audio import PcmChunk
    from core.voice.engine import AudioEngine
    from core.voice.speaking import Speech
    from core.voice.synthesis.synthesiser import Synthesiser

__all__ = ("play", "write_wave")

_NOTHING = "There is nothing to say."


async def play(text: AsyncIterator[str], synthesiser: Synthesiser, settings: VoiceSettings) -> None:
    """Speak a text through the speaker while it arrives, until its last sound is out.

    Cancelling silences it at once.

    Raises:
        AudioDeviceFailed: there is no speaker that can be used.
        VoiceUnavailable, SynthesisFailed: it cannot be spoken.
        InputError: there is nothing to say.
    """
    from core.voice.engine import AudioEngine
    from core.voice.speaking import Speech

    failures: list[TensorWallError] = []

    def failed(error: TensorWallError) -> None:
        failures.append(error)
        speech.silence()

    engine = AudioEngine(
        microphone=None,
        speaker=settings.speaker,
        echo="off",
        activity=lambda _frame: 0.0,
        volume=settings.volume,
        listens=False,
    )
    chunker = partial(ClauseChunker, language=settings.language)
    speech = Speech(
        engine, synthesiser, chunker, itertools.count(1), started=lambda _clause, _at: None, failed=failed
    )
    try:
        await asyncio.gather(engine.open(), synthesiser.warm())
        feeding = asyncio.create_task(_feed(speech, text))
        listening = asyncio.create_task(_follow(speech, engine))
        listening.add_done_callback(lambda _: speech.silence())  # it ends early where the engine breaks
        try:
            await speech.run()
            if listening.done():
                listening.result()
            if not failures:
                await feeding
        finally:
            engine.stop()
            feeding.cancel()
            listening.cancel()
            await asyncio.wait([feeding, listening])
    finally:
        await engine.aclose()
    if failures:
        raise failures[0]
    if not speech.has_sounded:
        raise InputError(_NOTHING)


async def _feed(speech: Speech, text: AsyncIterator[str]) -> None:
    try:
        async for piece in text:
            speech.feed(piece)
    finally:
        speech.finish()


async def _follow(speech: Speech, engine: AudioEngine) -> None:
    """Pass on what the engine reports until it is closed."""
    from core.voice.engine.events import ClauseEnded, ClauseStarted, DeviceLost, DeviceOpened

    async for event in engine:
        match event:
            case ClauseStarted() | ClauseEnded():
                speech.take(event)
            case DeviceLost(name=name, reason=reason):
                note(f"speaker {name or 'missing'}: {reason}; waiting for one")
            case DeviceOpened(name=name, again=True):
                note(f"speaking on through {name}")


async def write_wave(
    text: AsyncIterator[str], synthesiser: Synthesiser, settings: VoiceSettings, target: Path
) -> None:
    """Write the speech of a text to a WAV file; ``-`` is stdout. The file appears when it is complete.

    Raises:
        VoiceUnavailable, SynthesisFailed: it cannot be spoken.
        InputError: there is nothing to say, or the file cannot be written.
    """
    async with aclosing(sound_of(text, synthesiser, settings.language)) as sound:
        try:
            if _is_stream(target):
                _give(await _as_wave(sound), target)
                return
            with _replacing(target) as file:
                seconds = await _write(sound, file)
        except OSError as error:
            raise InputError(f"{target} cannot be written: {error.strerror}.") from error
    note(f"{target}: {seconds:.1f} s of {synthesiser.label}")


async def _as_wave(sound: AsyncGenerator[PcmChunk, None]) -> bytes:
    file = io.BytesIO()
    await _write(sound, file)
    return file.getvalue()


async def _write(sound: AsyncGenerator[PcmChunk, None], file: IO[bytes]) -> float:
    """Write a whole WAV file and return how many seconds it is."""
    chunk = await anext(sound, None)
    if chunk is None:
        raise InputError(_NOTHING)
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(chunk.sample_rate)
        writer.writeframes(chunk.pcm)
        seconds = chunk.seconds
        async for chunk in sound:
            writer.writeframes(chunk.pcm)
            seconds += chunk.seconds
    return seconds


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """A new file that takes the target's place if all goes well, and is gone if it does not."""
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def _is_stream(target: Path) -> bool:
    """Whether it is stdout, a pipe or a device: nothing to replace, nor to go back in to mend a header."""
    return str(target) == "-" or (target.exists() and not target.is_file())


def _give(data: bytes, target: Path) -> None:
    try:
        if str(target) != "-":
            target.write_bytes(data)
            return
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise ReaderGone from None
