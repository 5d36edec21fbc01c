"""A provider that speaks OpenAI's chat API, as nearly all do; a profile says how it differs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TYPE_CHECKING

from core.chat import ChatRequest, ChatResponse, Event, JsonSchemaFormat, LimitsReported, Relayed
from core.errors import ConnectionFailed, OutputInvalid, ToolCallInvalid
from core.providers.access import Access
from core.providers.answer_stream import AnswerStream
from core.providers.base import ProviderProfile, RemoteModel
from core.providers.body_ends import ending_of, opening_of
from core.providers.limit_headers import rate_limits
from core.providers.relayed_answer import chunk_of
from core.providers.remote_models import remote_models
from core.providers.request_body import encode_body, request_body
from core.providers.speech import (
    Heard,
    encode_recording,
    read_heard,
    read_sound,
    speech_body,
)
from core.providers.upstream import Upstream
from core.providers.warmth import Warmth
from core.providers.whole_answer import events_of, whole_answer

if TYPE_CHECKING:  # it imports httpx, which takes 0.1 s: ``Access`` does that, in a thread
    from core.providers.http_messages import HttpAnswer

__all__ = ("OpenAICompatibleProvider",)

CHECK_TIMEOUT = 10.0
_WHOLE = (b"{", b"[", b"<")  # how JSON and web pages begin, and event streams do not


class OpenAICompatibleProvider:
    """One provider; implements ``core.providers.Provider``.

    Args:
        profile: what is particular to the provider.
        api_key: the key to use; by default the one in ``core.credentials``.
        base_url: the address to use; by default the environment's, else the profile's.
    """

    def __init__(
        self, profile: ProviderProfile, *, api_key: str | None = None, base_url: str | None = None
    ) -> None:
        self.profile = profile
        self._access = Access(profile, api_key, base_url)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        """Identifies the provider in routes, settings and the ledger."""
        return self.profile.name

    @property
    def account(self) -> str | None:
        """Names whose limits are used, by a digest of address and key; ``None`` until the key is known."""
        return self._access.account

    def find_key(self) -> str | None:
        """Look the key up, unless that is done already; blocking. ``None`` where none is needed.

        Raises:
            CredentialsError: a key is needed and missing, or cannot be used.
        """
        return self._access.find_key()

    def with_overrides(self, api_key: str | None, base_url: str | None) -> OpenAICompatibleProvider:
        """The same provider with another key or address; ``None`` keeps what it has.

        Without either it is this object; with another key alone it shares the open connections.
        """
        if not api_key and not base_url:
            return self
        other = OpenAICompatibleProvider(self.profile)
        other._access = self._access.with_overrides(api_key, base_url)
        return other

    async def stream(self, request: ChatRequest, *, model: str) -> AsyncGenerator[Event]:
        """Stream an answer by the provider's own ``model``; ``Finished`` comes last.

        Closing the generator, or cancelling the task that reads it, ends the upstream call at once.

        Raises:
            ProviderError: the call failed; what arrived before was passed on.
            CredentialsError: a key is needed and missing.
        """
        streamed = self.profile.schema_streams or not isinstance(request.response_format, JsonSchemaFormat)
        answer: AnswerStream | None = None
        try:
            async with self._chat(request, model, stream=streamed) as (upstream, response):
                from core.providers.connection import read_body

                if (limits := rate_limits(response.headers)) is not None:
                    yield LimitsReported(limits)
                async with aclosing(response.chunks()) as chunks:
                    opening = await opening_of(chunks)
                    if opening.lstrip().startswith(_WHOLE):
                        body = await read_body(upstream, chunks, opening)
                        ending = [
                            *events_of(
                                whole_answer(upstream, body, request_id=response.headers.get("x-request-id"))
                            )
                        ]
                        if self.profile.answers(request, model) > 1:  # those events are of the first one
                            ending.insert(0, Relayed(chunk_of(body)))
                    else:
                        answer = _answer_stream(upstream, response, request)
                        for event in answer.feed(opening):
                            yield event
                        if answer.finish_reason is None:
                            async for chunk in chunks:
                                for event in answer.feed(chunk):
                                    yield event
                                if answer.finish_reason is not None:
                                    break
                            else:
                                for event in answer.close():
                                    yield event
                        ending = await ending_of(chunks, answer)
        except (OutputInvalid, ToolCallInvalid) as error:
            from core.providers.salvaged_answer import salvaged_events

            ending = await salvaged_events(error, request, model, answer)
        for event in ending:  # the connection is free again before the consumer stops at the last one
            yield event

    async def complete(self, request: ChatRequest, *, model: str) -> ChatResponse:
        """One answer in one piece; ``cost`` and ``decision`` are left ``None``.

        Raises:
            ProviderError: the call failed.
            CredentialsError: a key is needed and missing.
        """
        try:
            async with self._chat(request, model, stream=False) as (upstream, response):
                body = await _whole_body(upstream, response)
                answer = whole_answer(upstream, body, request_id=response.headers.get("x-request-id"))
        except (OutputInvalid, ToolCallInvalid) as error:
            from core.providers.salvaged_answer import salvaged_answer

            return await salvaged_answer(error, request, model)
        answer.limits = rate_limits(response.headers)
        if request.relayed is not None:
            answer.relayed = body
        return answer

    async def transcribe(
        self,
        recording: bytes,
        *,
        model: str,
        language: str | None = None,
        prompt: str = "",
        words: bool = False,
    ) -> Heard:
        """The text of a recording.

        Args:
            recording: a whole WAV or FLAC file.
            model: such as ``whisper-large-v3-turbo``.
            language: such as ``en``; ``None`` has it detected.
            prompt: words to expect; Whisper reads its last 224 tokens.
            words: ask when each word was said, too.

        Raises:
            ProviderError: the call failed.
            CredentialsError: a key is needed and missing.
        """
        content_type, content = encode_recording(
            recording, model=model, language=language, prompt=prompt, words=words
        )
        async with self._access.exchange(
            "POST",
            "audio/transcriptions",
            model=model,
            content=content,
            content_type=content_type,
            read_timeout=self.profile.answer_timeout,
        ) as (upstream, response):
            return read_heard(upstream, await _whole_body(upstream, response))

    async def speak(self, text: str, *, model: str, voice: str) -> bytes:
        """The sound of a text, as a whole WAV file.

        Args:
            text: what to say; providers limit its length (``core.providers.speech.LONGEST_SPOKEN``).
            model: such as ``canopylabs/orpheus-v1-english``.
            voice: one of the model's voices.

        Raises:
            ProviderError: the call failed.
            CredentialsError: a key is needed and missing.
        """
        async with self._access.exchange(
            "POST",
            "audio/speech",
            model=model,
            content=encode_body(speech_body(text, model=model, voice=voice)),
            read_timeout=self.profile.answer_timeout,
        ) as (upstream, response):
            return read_sound(upstream, await _whole_body(upstream, response))

    async def call(
        self,
        method: str,
        path: str,
        *,
        model: str | None = None,
        content: bytes = b"",
        content_type: str = "application/json",
    ) -> tuple[Upstream, bytes]:
        """One call to another of the API's paths, such as ``batches``: who answered, and the whole body.

        Args:
            method: such as ``POST``.
            path: below the base URL.
            model: what it is asked of, for errors to name.
            content: the request's body.
            content_type: of ``content``.

        Raises:
            ProviderError: the call failed.
            CredentialsError: a key is needed and missing.
        """
        async with self._access.exchange(
            method,
            path,
            model=model,
            content=content,
            content_type=content_type,
            read_timeout=self.profile.answer_timeout,
        ) as (upstream, response):
            return upstream, await _whole_body(upstream, response)

    async def download(self, path: str) -> AsyncGenerator[bytes]:
        """The content of a file that the provider keeps, as it arrives; raises as `call`."""
        async with (
            self._access.exchange("GET", path, read_timeout=self.profile.answer_timeout) as (_, response),
            aclosing(response.chunks()) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    async def models(self) -> list[RemoteModel]:
        """The models this key may use.

        Raises:
            ProviderError: the call failed.
            CredentialsError: a key is needed and missing.
        """
        async with self._access.exchange("GET", "models", read_timeout=CHECK_TIMEOUT) as (upstream, response):
            return remote_models(upstream, await _whole_body(upstream, response))

    async def check(self, *, time_limit: float = CHECK_TIMEOUT) -> list[RemoteModel]:
        """Prove that address and key work; as ``models``, under a limit of so many seconds in all.

        Raises:
            ProviderError: the call failed.
            CredentialsError: a key is needed and missing.
        """
        try:
            async with asyncio.timeout(time_limit):
                return await self.models()
        except TimeoutError:
            raise ConnectionFailed(
                f"{self.profile.label} did not answer within {time_limit:g} seconds.",
                provider=self.name,
                hint="Check the network connection and the address.",
            ) from None

    async def warm(self) -> bool:
        """Open a connection ahead of need, using none of the request quota; whether one is open now.

        From then on another is in reserve beside the one in use: an answer that is interrupted costs its own.
        """
        return await self._access.warm()

    @property
    def warmth(self) -> Warmth:
        """The running loop's connections as they are now; none outside a loop."""
        return self._access.warmth

    async def aclose(self) -> None:
        """Close the running loop's connections; the provider stays usable."""
        await self._access.aclose()

    def _chat(
        self, request: ChatRequest, model: str, *, stream: bool
    ) -> AbstractAsyncContextManager[tuple[Upstream, HttpAnswer]]:
        profile = self.profile
        content = encode_body(request_body(profile, request, model=model, stream=stream))
        timeout = profile.stall_timeout if stream else profile.answer_timeout
        return self._access.exchange(
            "POST", "chat/completions", model=model, content=content, read_timeout=timeout
        )


async def _whole_body(upstream: Upstream, answer: HttpAnswer) -> bytes:
    from core.providers.connection import read_body

    async with aclosing(answer.chunks()) as chunks:
        return await read_body(upstream, chunks)


def _answer_stream(upstream: Upstream, response: HttpAnswer, request: ChatRequest) -> AnswerStream:
    return AnswerStream(
        upstream,
        response.headers.get("x-request-id"),
        relay=request.relayed is not None,
        keep_text=request.response_format is not None,
        answers=upstream.profile.answers(request, upstream.model or ""),
    )
