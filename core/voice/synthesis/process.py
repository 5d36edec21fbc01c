"""The voices of this machine, spoken in a process of their own that may hang or die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from core.errors import SynthesisFailed, VoiceUnavailable
from core.voice.audio import PcmChunk
from core.voice.synthesis.child_process import CHILD, ChildProcess
from core.voice.synthesis.harmless import harmless_to_speak
from core.voice.synthesis.synthesiser import Voice
from core.voice.synthesis.wire import (
    Cancel,
    Failed,
    ListVoices,
    Message,
    Ready,
    Sound,
    Speak,
    VoiceList,
)

__all__ = ("ProcessSynthesiser",)

_START_LIMIT = 15.0
_PATIENCE = 3.0
_PATIENCE_PER_CHARACTER = 0.01
"""Seconds more that a long text may take to its first sound: some engines make all of it first."""


class ProcessSynthesiser:
    """A `Synthesiser` over a child process; started when first needed and again after it died.

    Attributes:
        voice: id of the voice, or ``None`` for the one that fits the language.
        rate: words a minute.
        language: such as ``de``, for where no voice is chosen; ``None`` for the engine's default.

    All three may be changed at any time and count from the next text on.
    """

    def __init__(
        self,
        *,
        voice: str | None = None,
        rate: int = 175,
        language: str | None = None,
        patience: float = _PATIENCE,
        driver: str | None = None,
        command: Sequence[str] = CHILD,
    ) -> None:
        """Nothing is started yet.

        Args:
            voice: see above.
            rate: see above.
            language: see above.
            patience: seconds without a sign of life after which the process is killed.
            driver: ``espeak``, ``sapi5``, ``nsss``, or ``file:`` and one of them to have it write
                files; by default what the system has.
            command: what to run.
        """
        self.voice = voice
        self.rate = rate
        self.language = language
        self._patience = patience
        self._command = [*command, driver] if driver else command
        self._child: ChildProcess | None = None
        self._ready = Ready("System voice", "")
        self._requests = 0
        self._turn = asyncio.Lock()
        self._closed = False

    @property
    def label(self) -> str:
        """The engine's name, once it is known, and the voice's."""
        return f"{self._ready.engine} {self.voice or self.language or self._ready.voice}".rstrip()

    @property
    def pid(self) -> int | None:
        """The process that speaks, or ``None`` while there is none."""
        return self._child.pid if self._child else None

    async def warm(self) -> None:
        """As `Synthesiser.warm`: start the process and load its engine."""
        async with self._turn:
            await self._started()

    async def speak(self, text: str) -> AsyncGenerator[PcmChunk, None]:
        """As `Synthesiser.speak`; a second text waits until the first is over or closed."""
        text = harmless_to_speak(text)
        if not text.strip():
            return
        async with self._turn:
            child = await self._started()
            request = self._next()
            child.send(Speak(request, text, self.voice, self.rate, self.language))
            limit = self._patience + _PATIENCE_PER_CHARACTER * len(text)
            over = False
            try:
                while isinstance(answer := await self._answer(child, request, limit), Sound):
                    yield answer.chunk
                    limit = self._patience
                over = True
            finally:
                if not over and self._child is child:
                    child.send(Cancel(request))

    async def voices(self) -> Sequence[Voice]:
        """As `Synthesiser.voices`."""
        async with self._turn:
            child = await self._started()
            request = self._next()
            child.send(ListVoices(request))
            answer = await self._answer(child, request, self._patience)
            assert isinstance(answer, VoiceList)
            return answer.voices

    async def aclose(self) -> None:
        """End the process for good; a text that is being spoken fails."""
        self._closed = True
        child, self._child = self._child, None
        if child is not None:
            await child.end()

    def _next(self) -> int:
        self._requests += 1
        return self._requests

    async def _started(self) -> ChildProcess:
        """The process, ready for a request; to be called with the turn taken."""
        if self._child is not None:
            return self._child
        if self._closed:
            raise SynthesisFailed("The voice was closed.")
        child = await ChildProcess.start(self._command)
        try:
            answer = await child.receive(_START_LIMIT)
            if isinstance(answer, Failed):
                raise _error(answer)
            assert isinstance(answer, Ready)
            if self._closed:
                raise SynthesisFailed("The voice was closed.")
        except BaseException:
            await child.end()
            raise
        self._ready, self._child = answer, child
        return child

    async def _answer(self, child: ChildProcess, request: int, limit: float) -> Message:
        """The next message about a request; what is left of earlier ones is passed over.

        Raises:
            VoiceUnavailable, SynthesisFailed: the engine says so; or the process is dead or silent and
                has been ended, so that the next request starts another.
        """
        try:
            while (answer := await child.receive(limit)).request != request:
                pass
        except SynthesisFailed:
            self._child = None
            await child.end()
            raise
        if isinstance(answer, Failed):
            raise _error(answer)
        return answer


def _error(failed: Failed) -> VoiceUnavailable | SynthesisFailed:
    kind = VoiceUnavailable if failed.reason == "missing" else SynthesisFailed
    return kind(failed.message, hint=failed.hint)
