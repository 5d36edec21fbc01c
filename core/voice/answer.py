"""One answer as it arrives, asked for early or in its time, and kept or thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, TypeAlias

from core.chat import AnswerContinued, RouteChosen, TextDelta
from core.errors import TensorWallError
from core.voice.receipt import ReceiptBuilder

if TYPE_CHECKING:
    from core.voice.reply import Reply
    from core.voice.speaking import Speech

__all__ = ("BREAK", "Answer", "Spawn")

BREAK = "\n\n"
"""Stands in the spoken text between what was said before tools were called and what comes after."""

Spawn: TypeAlias = "Callable[[Coroutine[None, None, None]], asyncio.Task[None]]"
"""Starts work as a task of the voice loop, which ends with it."""


class Answer:
    """Reads a reply to its end and hands its text on to the speech, once there is one.

    Attributes:
        turn: the user's turn that it answers; 0 for something typed.
        question: what was asked.
        text: what has arrived.
        whole: all of it has.
        heard: the character up to which it was heard; ``None`` when all of it was, or was not to be spoken.
        error: what ended it early.
        wanted: the question was meant; the reply is kept.
        first_token_at: when its first word arrived, in seconds of the given clock.
    """

    def __init__(
        self, turn: int, question: str, reply: Reply, receipt: ReceiptBuilder, *, now: Callable[[], float]
    ) -> None:
        self.turn = turn
        self.question = question
        self.reply = reply
        self.receipt = receipt
        self.text = ""
        self.whole = False
        self.heard: int | None = None
        self.error: TensorWallError | None = None
        self.wanted = False
        self.first_token_at: float | None = None
        self._now = now
        self._speech: Speech | None = None
        self._first_token: Callable[[], None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._begun = 0  # where the message begins that arrives now

    def begin(self, spawn: Spawn, *, settled: Callable[[], Awaitable[None]]) -> None:
        """Send the request, once all is ``settled`` that came before: it is part of what is asked."""
        self._reading = spawn(self._read(settled))

    def attach(self, speech: Speech | None, first_token: Callable[[], None]) -> None:
        """The answer is wanted: tell of its first word, and have it spoken, what has arrived included."""
        self._speech = speech
        self._first_token = first_token
        if self.text:
            first_token()
            if speech is not None:
                speech.feed(self.text)
        if speech is not None and (self._reading is None or self._reading.done()):
            speech.finish()

    async def read(self) -> None:
        """Wait until all has arrived, or what ended it early is in ``error``."""
        if self._reading is not None:
            await asyncio.wait([self._reading])

    async def aclose(self) -> None:
        """Stop; returns when upstream is closed and what was kept is stored."""
        if self._reading is not None and not self._reading.done():
            self._reading.cancel()
            await asyncio.wait([self._reading])
        await self.reply.aclose()

    async def _read(self, settled: Callable[[], Awaitable[None]]) -> None:
        await settled()
        try:
            async for event in self.reply:
                if isinstance(event, TextDelta):
                    self._take(event.text)
                elif isinstance(event, RouteChosen) and not event.continues and len(self.text) > self._begun:
                    self._restart()
                elif isinstance(event, AnswerContinued) and self.text:
                    self._take(BREAK)
                    self._begun = len(self.text)
            self.whole = True
        except TensorWallError as error:
            self.error = error
        if self._speech is not None:
            self._speech.finish()

    def _take(self, text: str) -> None:
        if not self.text:
            self.first_token_at = self._now()
            if self._first_token is not None:
                self._first_token()
        self.text += text
        if self._speech is not None:
            self._speech.feed(text)

    def _restart(self) -> None:
        """Another route answers from the start; what came before tools were called is said once more."""
        self.text = self.text[: self._begun]
        if self._speech is not None:
            self._speech.restart()
            self._speech.feed(self.text)
