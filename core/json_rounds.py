"""The rounds of one turn whose answer has to be JSON: read, checked, and mended once where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from core.chat import (
    AnswerRejected,
    CallRole,
    ChatRequest,
    ChatResponse,
    Event,
    ResponseFormat,
    TextDelta,
)
from core.conversations.answer_writer import AnswerWriter
from core.errors import OutputInvalid, TensorWallError
from core.structured import (
    Violation,
    check_answer,
    check_refusal,
    refused_output,
    repair_messages,
    verdict,
)

__all__ = ("JsonRounds",)


@dataclass(slots=True)
class JsonRounds:
    """Checks an answer, by our own rules and by the provider's, and hands back what breaks them.

    Args:
        wanted: what the answer has to be.
        writer: where its text gathers.
        read: asks the model, and gives its answer when that is whole and in the writer. It is to raise
            `OutputInvalid` at once: a refusal is mended here.
        tell: takes events for the screen.

    Attributes:
        violations: what is wrong with the answer that came last.
    """

    wanted: ResponseFormat
    writer: AnswerWriter
    read: Callable[[ChatRequest, CallRole], Awaitable[ChatResponse]]
    tell: Callable[[Event], None]
    violations: tuple[Violation, ...] = field(default=(), init=False)

    async def run(self, request: ChatRequest) -> None:
        """Have the request answered, and the answer mended where it is not what is wanted.

        Raises:
            OutputInvalid: in vain.
            TensorWallError: what ``read`` raises, where the answer broke off.
        """
        self.violations = await self._read_checked(request, "first")
        if not self.violations:
            return
        rejected = self.writer.text
        self.tell(AnswerRejected(verdict(self.violations, self.wanted)))
        follow_up = [*request.messages, *repair_messages(rejected, self.violations)]
        hint = "It was asked for twice. Ask again, or ask another model."
        try:
            request = request.model_copy(update={"messages": follow_up})
            self.violations = await self._read_checked(request, "repair")
        except TensorWallError as error:
            if self.writer.text:
                raise
            hint = f"It could not be mended: {error}"
        finally:
            if not self.writer.text:
                self.writer.add_text(rejected)
        if self.violations:
            raise OutputInvalid(verdict(self.violations, self.wanted), hint=hint)

    async def _read_checked(self, request: ChatRequest, role: CallRole) -> tuple[Violation, ...]:
        """Read one answer; what is wrong with it."""
        try:
            response = await self.read(request, role)
        except TensorWallError as error:
            refusal = refused_output(error)
            if refusal is None:
                raise
            self._take_rest(refusal.failed_generation or "")
            return await asyncio.to_thread(check_refusal, self.writer.text, self.wanted, refusal.message)
        return await asyncio.to_thread(check_answer, response, self.wanted)

    def _take_rest(self, written: str) -> None:
        """What the provider held back of a text that it refused."""
        arrived = self.writer.text
        if written != arrived and written.startswith(arrived):
            rest = written[len(arrived) :]
            self.writer.add_text(rest)
            self.tell(TextDelta(rest))
