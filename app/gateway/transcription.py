"""``POST /v1/audio/transcriptions`` and ``/translations``: a recording to text, here or at a provider."""

from __future__ import annotations

import asyncio
import io
import wave
from contextlib import aclosing
from importlib import import_module

from app.gateway.api_errors import invalid_request
from app.gateway.callers import Caller
from app.gateway.dry_run import wants_dry_run
from app.gateway.exchange import Exchange
from app.gateway.gateway import Gateway
from app.gateway.local_voice import LOCAL
from app.gateway.recording_form import RecordingForm, recording_form
from app.gateway.speech_calls import answer_headers, booked, speech_provider, tell_estimate
from app.gateway.transcript_formats import TIMED, content_type, heard_as, subtitles
from app.gateway.transcript_request import Task, TranscriptRequest, read_transcript_request
from core.costs.speech_calls import SpeechCall
from core.errors import InputError, VoiceUnavailable
from core.providers import OpenAICompatibleProvider
from core.providers.speech import encode_form, read_heard
from core.voice.transcription.audio_file import AudioFile
from core.voice.transcription.models import model_name
from core.voice.transcription.transcriber import Word

__all__ = ("answer_transcription", "answer_translation")

_LEAST_BYTES_A_SECOND = 750
"""Of sound in any format, 6 kbit/s: how long a file is at most whose length cannot be told."""
_VERBOSE = "verbose_json"


async def answer_transcription(gateway: Gateway, exchange: Exchange, caller: Caller) -> None:
    """What is said in a recording.

    Raises:
        ApiError: the request cannot be understood.
        TensorWallError: it may not be made, or could not be answered.
    """
    await _answer(gateway, exchange, caller, "transcribe")


async def answer_translation(gateway: Gateway, exchange: Exchange, caller: Caller) -> None:
    """What is said in a recording, in English; raises as `answer_transcription`."""
    await _answer(gateway, exchange, caller, "translate")


async def _answer(gateway: Gateway, exchange: Exchange, caller: Caller, task: Task) -> None:
    async with recording_form(exchange, gateway.body_limits) as form:
        asked = read_transcript_request(form, task)
        caller.check("audio", asked.model)
        local = gateway.voice.whisper_named(asked.model)
        with exchange.cancelled_when_client_goes():
            if local is None:
                await _Elsewhere(gateway, exchange, caller, form, asked).give()
            else:
                await _give_heard_here(gateway, exchange, caller, form, asked, local)


async def _give_heard_here(
    gateway: Gateway,
    exchange: Exchange,
    caller: Caller,
    form: RecordingForm,
    asked: TranscriptRequest,
    whisper: str,
) -> None:
    if asked.task == "translate":
        raise invalid_request("Models of this machine do not translate.", param="model")
    seconds = await asyncio.to_thread(_seconds, form)
    call = SpeechCall("transcription", LOCAL, model_name(whisper), seconds=seconds)
    if wants_dry_run(exchange):
        await tell_estimate(gateway, exchange, asked.model, call)
        return
    async with gateway.voice.whisper(whisper) as transcriber:
        # In a thread, since it takes half a second to import.
        listening = await asyncio.to_thread(import_module, "core.voice.transcription.long_recording")
        hints = gateway.voice.hints(asked.prompt, asked.language)
        words = asked.words or asked.format in TIMED
        with await asyncio.to_thread(AudioFile, form.file, "file") as sound:
            async with booked(gateway, exchange, caller, call):
                pieces = listening.transcribe_long(sound.samples(), transcriber, hints, words=words)
                async with aclosing(pieces) as stream:
                    heard = [piece async for piece in stream if not isinstance(piece, float)]
    body = heard_as(asked.format, heard, seconds=seconds, language=asked.language, words=asked.words)
    headers = answer_headers(gateway, exchange, call)
    await exchange.answer(body, headers, content_type=content_type(asked.format))


class _Elsewhere:
    """A recording that a provider listens to: the client's form goes on, but for the model's name."""

    def __init__(
        self,
        gateway: Gateway,
        exchange: Exchange,
        caller: Caller,
        form: RecordingForm,
        asked: TranscriptRequest,
    ) -> None:
        self._gateway = gateway
        self._exchange = exchange
        self._caller = caller
        self._form = form
        self._asked = asked

    async def give(self) -> None:
        """Ask, and pass on the answer."""
        gateway, asked = self._gateway, self._asked
        provider, model = speech_provider(gateway, self._caller, asked.model, "transcription")
        seconds = await asyncio.to_thread(_longest, self._form)
        call = SpeechCall("transcription", provider.name, model, seconds=seconds)
        if wants_dry_run(self._exchange):
            await tell_estimate(gateway, self._exchange, asked.model, call)
            return
        taken = provider.profile.transcript_formats
        timed_here = taken is not None and asked.format not in taken
        async with booked(gateway, self._exchange, self._caller, call):
            body = await self._transcript(provider, model, timed_here=timed_here)
        headers = answer_headers(gateway, self._exchange, call)
        await self._exchange.answer(body, headers, content_type=content_type(asked.format))

    async def _transcript(self, provider: OpenAICompatibleProvider, model: str, *, timed_here: bool) -> bytes:
        recording = await asyncio.to_thread(_content, self._form)
        kind, content = encode_form(self._fields(model, timed_here=timed_here), recording, self._form.kind)
        task = "translations" if self._asked.task == "translate" else "transcriptions"
        upstream, body = await provider.call(
            "POST", f"audio/{task}", model=model, content=content, content_type=kind
        )
        if not timed_here:
            return body
        words = [Word(word.text, word.start, word.end, 1.0) for word in read_heard(upstream, body).words]
        return subtitles(words, self._asked.format)

    def _fields(self, model: str, *, timed_here: bool) -> list[tuple[str, str]]:
        """The client's fields; where the provider writes no subtitles it is asked for the times of words."""
        replaced = {"model": model}
        if timed_here:
            replaced["response_format"] = _VERBOSE
        fields = [(name, replaced.get(name, value)) for name, value in self._form.fields]
        if timed_here:
            fields.append(("timestamp_granularities[]", "word"))
        return fields


def _content(form: RecordingForm) -> bytes:
    form.file.seek(0)
    return form.file.read()


def _seconds(form: RecordingForm) -> float:
    """How long a recording is, measured and not as it says.

    Raises:
        InputError: it is no sound that can be read.
        VoiceUnavailable: nothing here reads sound.
    """
    form.file.seek(0)
    with AudioFile(form.file, "file") as sound:
        seconds = sound.measured_seconds()
    form.file.seek(0)
    return seconds


def _longest(form: RecordingForm) -> float:
    """How long a recording is; where that cannot be told, how long it can be."""
    try:
        return _seconds(form)
    except (InputError, VoiceUnavailable):
        return _of_wave(_content(form)) or form.size / _LEAST_BYTES_A_SECOND


def _of_wave(recording: bytes) -> float:
    """By its header, which may claim more than follows; 0 where it is no WAV file."""
    try:
        with wave.open(io.BytesIO(recording)) as sound:
            frame = sound.getnchannels() * sound.getsampwidth()
            return float(min(sound.getnframes(), len(recording) // frame) / sound.getframerate())
    except (wave.Error, EOFError, ZeroDivisionError):
        return 0.0
