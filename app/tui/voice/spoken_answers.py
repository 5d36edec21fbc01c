"""Answers on their way between the conversation on screen and the voice loop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from decimal import Decimal
from typing import TYPE_CHECKING

from app.tui.stage import Prompt

if TYPE_CHECKING:
    from app.tui.conversation import Conversation
    from app.voice_reply import SpokenMessage, VoiceReply
    from core.assistant import Turn
    from core.chat import Event, ReasoningEffort
    from core.voice.receipt import Receipt

__all__ = ("SpokenAnswers", "StoredReply", "WaitingReply")

_LATELY = 6
_LITTLE: ReasoningEffort = "low"


class SpokenAnswers:
    """Gives the loop the answers that it is to speak.

    Args:
        conversation: the one on screen.
        model: who answers spoken questions; ``None`` where the user has not said.
        spawn: runs what shows an answer, for as long as the screen lives.

    Attributes:
        entry: the transcript's name of the answer that is spoken; ``None`` before the first.
    """

    def __init__(
        self,
        conversation: Conversation,
        model: Callable[[], str | None],
        spawn: Callable[[Coroutine[None, None, None]], object],
    ) -> None:
        self.entry: str | None = None
        self._reply: VoiceReply | None = None
        self._conversation = conversation
        self._model = model
        self._spawn = spawn

    def ask(self, text: str) -> WaitingReply:
        """Ask what was said; the request waits until no other answer is on its way."""
        return WaitingReply(self._conversation.free, lambda: self._begin(text))

    def follow(self, turn: Turn) -> VoiceReply:
        """The answer to a typed question, for the screen and the loop to iterate both."""
        from app.voice_reply import VoiceReply

        self.entry = turn.answer_id
        self._reply = VoiceReply(turn, self._conversation.services.records)
        return self._reply

    def again(self, entry: str, text: str) -> StoredReply:
        """An answer there is already."""
        self.entry, self._reply = entry, None
        return StoredReply(text)

    def messages(self) -> list[SpokenMessage]:
        """The messages that the spoken answer takes, each an entry of the transcript."""
        from app.voice_reply import SpokenMessage

        if self._reply is not None:
            return self._reply.messages
        return [] if self.entry is None else [SpokenMessage(self.entry, 0, 1 << 62)]

    def words(self) -> str:
        """The last messages of the conversation, whose names and terms are likely to be said."""
        return "\n".join(stored.message.text for stored in self._conversation.branch[-_LATELY:])

    def _begin(self, text: str) -> VoiceReply:
        """Ask; by default the quickest model, thinking as little as it can: the user waits in silence."""
        from app.voice_reply import VoiceReply

        conversation = self._conversation
        model, effort = self._model() or conversation.next_turn.chosen_model, None
        if model is None:
            model, effort = conversation.services.catalogue.voice_model, _LITTLE
        prompt = Prompt(text, text)
        turn = conversation.next_turn.tentative_turn(prompt, model=model, effort=effort)
        return VoiceReply(turn, conversation.services.records, lambda reply: self._wanted(reply, prompt))

    def _wanted(self, reply: VoiceReply, prompt: Prompt) -> None:
        self.entry, self._reply = reply.turn.answer_id, reply
        self._spawn(self._conversation.show(reply.turn, _until_stored(reply), prompt))


async def _until_stored(reply: VoiceReply) -> AsyncIterator[Event]:
    """The events of an answer that is being kept; they end when it is, so that it can be read back."""
    try:
        async for event in reply:
            yield event
    finally:
        await reply.turn.keep()


class WaitingReply:
    """A reply whose turn begins when the conversation is free, so that it has all that came before."""

    def __init__(self, free: Callable[[], Awaitable[None]], begin: Callable[[], VoiceReply]) -> None:
        self._free = free
        self._begin = begin
        self._reply: VoiceReply | None = None
        self._kept = False

    async def __aiter__(self) -> AsyncIterator[Event]:
        await self._free()
        self._reply = self._begin()
        if self._kept:
            await self._reply.keep()
        async for event in self._reply:
            yield event

    @property
    def cost(self) -> Decimal | None:
        """US dollars for it, once it is over; nothing where it was never asked."""
        return self._reply.cost if self._reply else Decimal(0)

    async def keep(self) -> None:
        """Store and show it, now or when it begins."""
        self._kept = True
        if self._reply is not None:
            await self._reply.keep()

    async def heard(self, characters: int | None) -> None:
        """Store how much of the answer was heard."""
        if self._reply is not None:
            await self._reply.heard(characters)

    async def book(self, receipt: Receipt) -> None:
        """Store what the turn took."""
        if self._reply is not None:
            await self._reply.book(receipt)

    async def aclose(self) -> None:
        """Stop; what has arrived of a kept turn stays."""
        if self._reply is not None:
            await self._reply.aclose()


class StoredReply:
    """An answer there is already, to be read aloud once more; what was heard of it stays as it was."""

    cost: Decimal | None = Decimal(0)

    def __init__(self, text: str) -> None:
        self._text = text

    async def __aiter__(self) -> AsyncIterator[Event]:
        from core.chat import TextDelta

        yield TextDelta(self._text)

    async def keep(self) -> None:
        """It is stored."""

    async def heard(self, characters: int | None) -> None:
        """Changes nothing: the model saw the whole answer."""

    async def book(self, receipt: Receipt) -> None:
        """Costs nothing."""

    async def aclose(self) -> None:
        """Nothing is open."""
