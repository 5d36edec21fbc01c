"""``POST /v1/audio/speech``: a text to sound, by this machine's voice or a provider's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing

from app.gateway.api_errors import ApiError, invalid_request
from app.gateway.callers import Caller
from app.gateway.chat_request import json_object
from app.gateway.dry_run import wants_dry_run
from app.gateway.exchange import Exchange
from app.gateway.gateway import Gateway
from app.gateway.local_voice import LOCAL, is_local
from app.gateway.speech_calls import answer_headers, booked, speech_provider, tell_estimate
from app.gateway.speech_request import SpeechRequest, read_speech_request
from app.read_aloud import sound_of
from core.costs.speech_calls import SpeechCall
from core.errors import UnexpectedResponse
from core.providers import OpenAICompatibleProvider
from core.providers.request_body import encode_body
from core.voice.audio import PcmChunk
from core.voice.synthesis.portions import portions
from core.voice.synthesis.sound_file import UnreadableSound, read_sound
from core.voice.synthesis.sound_formats import sound_file, sound_type

__all__ = ("answer_speech",)

_USUAL = "default"
"""The voice of the settings, for clients that have to name one."""


async def answer_speech(gateway: Gateway, exchange: Exchange, caller: Caller) -> None:
    """A text, spoken.

    Raises:
        ApiError: the request cannot be understood.
        TensorWallError: it may not be made, or could not be answered.
    """
    body = json_object(await exchange.body(gateway.body_limits))
    asked = read_speech_request(body)
    caller.check("audio", asked.model)
    speech = _Speech(gateway, exchange, caller, asked)
    with exchange.cancelled_when_client_goes():
        if is_local(asked.model):
            await speech.give_spoken_here()
            return
        provider, model = speech_provider(gateway, caller, asked.model, "speech")
        if provider.profile.longest_spoken is None:
            await speech.pass_on(provider, model)
        else:
            await speech.give_in_portions(provider, model, provider.profile.longest_spoken)


class _Speech:
    """One request, and the three ways in which it is answered."""

    def __init__(self, gateway: Gateway, exchange: Exchange, caller: Caller, asked: SpeechRequest) -> None:
        self._gateway = gateway
        self._exchange = exchange
        self._caller = caller
        self._asked = asked

    async def give_spoken_here(self) -> None:
        """By the voice of this machine."""
        asked, voice = self._asked, self._gateway.voice
        if asked.model not in (LOCAL, f"{LOCAL}/voice"):
            raise ApiError(
                404, f"{asked.model!r} does not speak; {LOCAL} does.", code="model_not_found", param="model"
            )
        kind = asked.made_format
        call = SpeechCall("speech", LOCAL, "voice", characters=len(asked.text))
        if await self._is_told(call):
            return
        chosen = None if asked.voice in (None, _USUAL) else asked.voice
        async with (
            voice.speaker(chosen, asked.speed) as synthesiser,
            self._booked(call),
            aclosing(sound_of(_once(asked.text), synthesiser, voice.settings.language)) as sound,
        ):
            chunks = [chunk async for chunk in sound]
        await self._answer(chunks, kind, [call])

    async def give_in_portions(self, provider: OpenAICompatibleProvider, model: str, longest: int) -> None:
        """By a provider that speaks a little at a time, as WAV; each call is booked."""
        asked, kind = self._asked, self._asked.made_format
        if asked.voice is None:
            raise invalid_request("voice is missing: name one of the model's.", param="voice")
        if await self._is_told(SpeechCall("speech", provider.name, model, characters=len(asked.text))):
            return
        chunks: list[PcmChunk] = []
        calls: list[SpeechCall] = []
        for start, end in portions(asked.text, longest):
            text = asked.text[start:end]
            if not text.strip():
                continue
            call = SpeechCall("speech", provider.name, model, characters=len(text))
            async with self._booked(call):
                sound = await provider.speak(text, model=model, voice=asked.voice)
                chunks.append(await asyncio.to_thread(_read, sound, provider.profile.label))
            calls.append(call)
        headers = {} if asked.speed == 1 else {"x-tensorwall-left-out": "speed"}
        await self._answer(chunks, kind, calls, headers)

    async def pass_on(self, provider: OpenAICompatibleProvider, model: str) -> None:
        """By a provider that takes what the client sent as it is, and whose answer goes on as it comes."""
        asked = self._asked
        call = SpeechCall("speech", provider.name, model, characters=len(asked.text))
        if await self._is_told(call):
            return
        async with self._booked(call):
            content = encode_body({**asked.body, "model": model})
            _, body = await provider.call("POST", "audio/speech", model=model, content=content)
        headers = answer_headers(self._gateway, self._exchange, call)
        await self._exchange.answer(body, headers, content_type=sound_type(asked.format or "mp3"))

    async def _is_told(self, call: SpeechCall) -> bool:
        """Whether the client wants an estimate only, which it has then."""
        if not wants_dry_run(self._exchange):
            return False
        await tell_estimate(self._gateway, self._exchange, self._asked.model, call)
        return True

    def _booked(self, call: SpeechCall) -> AbstractAsyncContextManager[SpeechCall]:
        return booked(self._gateway, self._exchange, self._caller, call)

    async def _answer(
        self,
        chunks: Sequence[PcmChunk],
        kind: str,
        calls: Sequence[SpeechCall],
        headers: dict[str, str] | None = None,
    ) -> None:
        if not chunks:
            raise invalid_request("There is nothing to speak in input.", param="input")
        body = await asyncio.to_thread(sound_file, chunks, kind)
        told = answer_headers(self._gateway, self._exchange, *calls) | (headers or {})
        await self._exchange.answer(body, told, content_type=sound_type(kind))


def _read(sound: bytes, provider: str) -> PcmChunk:
    try:
        return read_sound(sound)
    except UnreadableSound as error:
        raise UnexpectedResponse(f"{provider} sent what is no speech: {error}.") from error


async def _once(text: str) -> AsyncIterator[str]:
    yield text
