"""Who answers, and what becomes of it: asked early, kept, spoken, interrupted, gone on with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count
from typing import TYPE_CHECKING, Literal

from core.errors import TensorWallError
from core.voice.answer import Answer, Spawn
from core.voice.engine.events import ClauseEnded, ClauseStarted
from core.voice.events import (
    Answered,
    AnswerFailed,
    FirstAudio,
    FirstToken,
    Interrupted,
    Noticed,
    ReceiptReady,
    Speaking,
    VoiceEvent,
)
from core.voice.receipt import ReceiptBuilder
from core.voice.speaking import Speech
from core.voice.spoken_text.continuation import is_continue, rest
from core.voice.turn_taking.messages import AnswerEnded, AnswerHeard, Message

if TYPE_CHECKING:
    from core.voice.engine import AudioEngine
    from core.voice.reply import Replier, Reply
    from core.voice.spoken_text.chunker import ClauseChunker
    from core.voice.spoken_text.clause import Clause
    from core.voice.synthesis.synthesiser import Synthesiser
    from core.voice.turn_taking.actions import Commit, SpeculateReply

__all__ = ("Answering",)


class Answering:
    """Asks for answers and reads them aloud, one at a time.

    Args:
        engine: plays them.
        synthesiser: speaks them.
        replier: gives them.
        chunker: makes clauses of a text, as it arrives.
        tell: takes messages for the turn machine.
        show: takes events for the user.
        said: takes each clause that is spoken, so that its echo is not taken for the user.
        spawn: starts work as a task of the loop.
        language: of what the user says, for understanding "continue".

    Attributes:
        speak: read answers to spoken questions aloud.
    """

    def __init__(
        self,
        engine: AudioEngine,
        synthesiser: Synthesiser,
        replier: Replier,
        chunker: Callable[[], ClauseChunker],
        *,
        tell: Callable[[Message], None],
        show: Callable[[VoiceEvent], None],
        said: Callable[[str], None],
        spawn: Spawn,
        language: Callable[[], str | None],
    ) -> None:
        self.engine = engine
        self.synthesiser = synthesiser
        self.speak = True
        self._replier = replier
        self._chunker = chunker
        self._tell = tell
        self._show = show
        self._said = said
        self._spawn = spawn
        self._language = language
        self._tags = count(1)
        self._receipt = ReceiptBuilder(0)
        self._receipt_given = 0
        self._early: Answer | None = None
        self._current: Answer | None = None
        self._speech: Speech | None = None
        self._cut_off: Answer | None = None
        self._performing: asyncio.Task[None] | None = None
        self._unfinished: dict[Answer, asyncio.Task[None]] = {}
        self._dropping: dict[Answer, asyncio.Task[None]] = {}

    # What the turn machine wants

    def receipt(self, turn: int) -> ReceiptBuilder:
        """Where to note what this turn of the user takes."""
        if self._receipt.turn != turn:
            self._receipt = ReceiptBuilder(turn)
        return self._receipt

    def speculate(self, wanted: SpeculateReply) -> None:
        """Ask for the answer to a text that will probably be it."""
        self.drop_early()
        if self._goes_on(wanted.text):
            return  # needs no answer
        self.receipt(wanted.turn).reply_asked_early()
        self._early = self._ask(wanted.turn, wanted.text)

    def drop_early(self) -> None:
        """Throw away what was asked for early."""
        if self._early is not None:
            self._dropping[self._early] = self._spawn(self._drop(self._early))
            self._early = None

    def commit(self, said: Commit) -> None:
        """Answer what the user said: by what was asked early, if it was just that."""
        self.interrupt("speech")
        self.receipt(said.turn).committed(
            spoke_until=said.spoke_until, decided=said.decided, revision=said.revision, at=self.engine.now()
        )
        if self._goes_on(said.text):
            self.drop_early()
            self._go_on(said.turn)
            return
        if self._early is None or (self._early.turn, self._early.question) != (said.turn, said.text):
            self.drop_early()
            self._early = self._ask(said.turn, said.text)
        answer, self._early = self._early, None
        answer.wanted = True
        speech = self._begin(answer)
        answer.attach(speech, lambda: self._token_came(answer))
        self._start(answer, speech)

    def interrupt(self, by: Literal["speech", "key"]) -> None:
        """Silence now; of the answer stays what was heard of it."""
        answer, speech, performing = self._current, self._speech, self._performing
        if answer is None or performing is None:
            return
        self._cut(answer, speech, by)
        performing.cancel()
        self._unfinished[answer] = self._spawn(self._settle(answer, performing))
        self._current = self._speech = self._performing = None
        self._cut_off = answer
        self._give_receipt(answer)

    # What the user wants beside

    def read_aloud(self, reply: Reply) -> None:
        """Speak an answer to something typed; whoever gives it keeps and stores it."""
        self.interrupt("key")
        answer = Answer(0, "", reply, ReceiptBuilder(0), now=self.engine.now)
        answer.begin(self._spawn, settled=_at_once)
        speech = self._begin(answer)
        answer.attach(speech, lambda: self._token_came(answer))
        self._start(answer, speech)

    # What the engine says

    def take(self, event: ClauseStarted | ClauseEnded) -> None:
        """A clause began or ended in the speaker."""
        if self._speech is not None:
            self._speech.take(event)

    def lost_speaker(self) -> None:
        """There is nothing to play with: the answer goes on as text."""
        if self._speech is not None:
            self._speech.silence()

    async def aclose(self) -> None:
        """Stop what goes on, and store what was heard; called when its tasks have ended."""
        if self._current is not None:
            self._cut(self._current, self._speech, "key")
        for answer in list(self._unfinished):
            await self._end(answer)
        for early in (*self._dropping, *filter(None, [self._early])):
            await early.aclose()

    # How it is done

    def _cut(self, answer: Answer, speech: Speech | None, by: Literal["speech", "key"]) -> None:
        """Be silent, and tell how much of the answer was heard."""
        answer.heard = None if speech is None else speech.heard
        self.engine.stop()
        if speech is not None:
            self._show(Speaking(answer.turn, None))
        heard = len(answer.text) if answer.heard is None else answer.heard
        self._show(Interrupted(answer.turn, answer.text[:heard], answer.text[heard:], by))

    def _ask(self, turn: int, text: str) -> Answer:
        answer = Answer(turn, text, self._replier(text), self.receipt(turn), now=self.engine.now)
        answer.begin(self._spawn, settled=lambda: self._others_stored(answer))
        return answer

    def _goes_on(self, text: str) -> bool:
        """Whether the answer that was cut off is to go on, and the rest of it is here to be spoken.

        Where it had not arrived whole, the model is asked: it sees where it was cut off.
        """
        answer = self._cut_off
        if answer is None or not answer.whole or answer.heard is None:
            return False
        return is_continue(text, self._language()) and rest(answer.text, answer.heard) < len(answer.text)

    def _go_on(self, turn: int) -> None:
        answer = self._cut_off
        assert answer is not None
        answer.turn, answer.receipt = turn, self.receipt(turn)
        offset = rest(answer.text, answer.heard or 0)
        speech = self._begin(answer, offset)
        if speech is not None:
            speech.feed(answer.text[offset:])
            speech.finish()
        self._start(answer, speech)

    def _begin(self, answer: Answer, offset: int = 0) -> Speech | None:
        """Make it the current answer; gives what will speak it, if anything may and can."""
        self._current, self._cut_off, self._speech = answer, None, None
        if self.speak or not answer.turn:
            if self.engine.speaker_name is None:
                self._show(Noticed("There is no speaker: the answer is text only."))
            else:
                self._speech = self._new_speech(answer, offset)
        return self._speech

    def _new_speech(self, answer: Answer, offset: int) -> Speech:
        return Speech(
            self.engine,
            self.synthesiser,
            self._chunker,
            self._tags,
            offset=offset,
            heard=answer.heard or 0,
            started=lambda clause, at: self._clause_started(answer, clause, at),
            failed=self._notice,
        )

    def _start(self, answer: Answer, speech: Speech | None) -> None:
        before = self._unfinished.get(answer)
        self._performing = self._unfinished[answer] = self._spawn(self._perform(answer, speech, before))

    async def _perform(
        self, answer: Answer, speech: Speech | None, after: asyncio.Task[None] | None = None
    ) -> None:
        """Keep the answer, have it spoken to its end, and store that it was."""
        if after is not None:
            await asyncio.wait([after])
        if answer.wanted:  # beside the rest: nobody waits for storage to hear the first word
            self._spawn(self._stored(answer.reply.keep()))
        if speech is not None:
            await speech.run()
        await answer.read()
        self._current = self._speech = self._performing = None
        answer.heard = None
        if answer.error is not None:
            self._show(AnswerFailed(answer.error.message, answer.error.hint))
        if speech is not None:
            self._show(Speaking(answer.turn, None))
        self._show(Answered(answer.turn, answer.text))
        self._give_receipt(answer)
        self._tell(AnswerEnded(self.engine.now()))
        await self._end(answer)

    async def _settle(self, answer: Answer, performing: asyncio.Task[None]) -> None:
        """After an interruption."""
        await asyncio.wait([performing])
        await self._end(answer)

    async def _others_stored(self, answer: Answer) -> None:
        """Wait until what was said and heard before is stored, which an interruption makes longer."""
        while others := [
            task for other, task in self._unfinished.items() if other is not answer and not task.done()
        ]:
            await asyncio.wait(others)

    async def _end(self, answer: Answer) -> None:
        """Store all there is to store of an answer that is over, in whatever way."""
        if answer.wanted:
            await self._stored(answer.reply.keep())
        await answer.aclose()
        await self._stored(answer.reply.heard(answer.heard))
        if self._unfinished.get(answer) is asyncio.current_task():
            del self._unfinished[answer]

    async def _drop(self, answer: Answer) -> None:
        await answer.aclose()
        answer.receipt.reply_dropped(answer.reply.cost)
        del self._dropping[answer]

    def _token_came(self, answer: Answer) -> None:
        assert answer.first_token_at is not None
        answer.receipt.token_came(answer.first_token_at)
        self._show(FirstToken(answer.turn))

    def _clause_started(self, answer: Answer, clause: Clause, at: float) -> None:
        self._said(clause.spoken)
        if not answer.receipt.has_audio:
            answer.receipt.audio_came(at)
            self._show(FirstAudio(answer.turn))
            self._tell(AnswerHeard(at))
            self._give_receipt(answer)
        self._show(Speaking(answer.turn, clause))

    def _give_receipt(self, answer: Answer) -> None:
        """Give it as soon as the answer is heard or, where it never is, when it is over."""
        if answer.turn and self._receipt_given != answer.turn:
            self._receipt_given = answer.turn
            self._spawn(self._receipt_of(answer.receipt, answer.reply))

    async def _receipt_of(self, builder: ReceiptBuilder, reply: Reply) -> None:
        if self._dropping:  # whose cost belongs to it
            await asyncio.wait(self._dropping.values())
        receipt = builder.build()
        self._show(ReceiptReady(receipt))
        await self._stored(reply.book(receipt))

    async def _stored(self, work: Coroutine[None, None, None]) -> None:
        """Storage that fails costs no answer, but is told."""
        try:
            await work
        except TensorWallError as error:
            self._notice(error)

    def _notice(self, error: TensorWallError) -> None:
        self._show(Noticed(error.message, error.hint))


async def _at_once() -> None:
    """Nothing came before."""
