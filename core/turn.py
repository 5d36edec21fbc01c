"""One turn while it happens: a question on its way to becoming a stored answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Self

from core.chat import (
    AnswerContinued,
    CallRole,
    ChatRequest,
    ChatResponse,
    Decision,
    Event,
    Irrevocable,
    Message,
    ResponseFormat,
    ToolsMissing,
    Usage,
)
from core.conversations.answer_writer import AnswerWriter
from core.conversations.stored import MessageState, Session, StoredMessage
from core.errors import OutputInvalid, TensorWallError
from core.event_feed import EventFeed
from core.json_rounds import JsonRounds
from core.prepared_turn import Prepared
from core.records import LazyRecords
from core.structured import Violation
from core.tool_rounds import ToolRounds, stopped_result
from core.turn_records import TurnRecords
from core.turn_requests import TurnRequests

if TYPE_CHECKING:
    from core.costs.budget_gate import BudgetGate
    from core.routing import LLMRouter
    from core.settings import BudgetSettings
    from core.tools import Toolbox

__all__ = ("Turn",)


class Turn:
    """The events of one answer, and afterwards all there is to know about it.

    Iterate it, in one task; nothing is sent before that. The answer is read and stored at its own
    pace, however slow the consumer. To stop it, call `aclose` from any task, or cancel the consumer:
    upstream is stopped at once and what has arrived is kept, as ``stopped``. It is also a context
    manager that closes itself.

    A tentative turn answers what the user has probably asked: nothing of it is stored before `keep`.
    One that is closed without that leaves a row in the ledger, feature ``speculation``, and nothing else.

    An answer that breaks off while it calls tools, or that has to be JSON, begins anew, with a
    ``RouteChosen`` that does not continue, unless what has come of it is ``irrevocable``: it fails then.

    An answer that has to be JSON is checked when it is whole. Where it breaks the rules, ``AnswerRejected``
    tells so and the model mends it, once: a call of role ``repair`` on this turn. One message is stored,
    the better answer, as it is where another route had to begin anew; the first one stays if nothing came
    after it. If it is no better the turn has failed, and keeps that text.

    An answer that calls tools has them run and goes on with their results, in messages of its own below,
    until it is text; each call upstream, of role ``tools``, and its cost belong to this turn. While it is
    tentative no tool is run.

    Raises, while iterating:
        AllRoutesFailed, ProviderError: as ``core.routing.ChatStream``; what had arrived is kept.
        OutputInvalid: the answer still is not the JSON that was asked for; see ``violations``.
        BudgetExceeded: a hard limit leaves too little money; nothing was sent then.
        UnknownRoute: no route leads to the model.
        InputError: the session or the parent does not exist, or an option cannot be used.
        StorageError: the history of the session cannot be read, or not what has been spent where there
            is a hard limit.

    Attributes:
        session_id: the conversation; made with the first stored message where it is new.
        question_id: the new question, or ``None`` when an old one is answered again.
        answer_id: the message that the answer becomes; the first, where it takes several (see ``answers``).
        left_out: how many of the oldest messages the model's window had no room for.
        state: ``streaming`` until it is over.
        response_format: what the answer has to be, where it may not be any text.
    """

    def __init__(
        self,
        session_id: str,
        question_id: str | None,
        answer_id: str,
        prepare: Callable[[], Awaitable[Prepared]],
        router: LLMRouter,
        records: LazyRecords,
        budgets: BudgetSettings | None,
        *,
        response_format: ResponseFormat | None = None,
        tentative: bool = False,
        irrevocable: Irrevocable = "nothing",
    ) -> None:
        self.session_id = session_id
        self.question_id = question_id
        self.answer_id = answer_id
        self.left_out = 0
        self.state: MessageState = "streaming"
        self.response_format = response_format
        self._prepare = prepare
        self._records = TurnRecords(session_id, answer_id, records, budgets, tentative=tentative)
        self._feed = EventFeed(f"turn {answer_id}")
        self._requests = TurnRequests(router, self._records, self._feed.put, irrevocable)
        self._prepared: Prepared | None = None
        self._writer: AnswerWriter | None = None
        self._json: JsonRounds | None = None

    @property
    def response(self) -> ChatResponse | None:
        """The whole answer; ``None`` until it has finished, and where it never did."""
        return self._requests.response

    @property
    def decision(self) -> Decision | None:
        """Which routes were tried, and why; ``None`` before the request is made."""
        return self._requests.decision

    @property
    def decisions(self) -> Sequence[Decision]:
        """Those of all its requests, where it was mended or called tools; ``decision`` is the last."""
        return self._requests.decisions

    @property
    def usage(self) -> Usage | None:
        """The tokens billed for the answer, once the provider has said so.

        Of an answer that was mended, or that called tools, for all its calls.
        """
        return self._requests.usage

    @property
    def cost(self) -> Decimal | None:
        """US dollars for the answering call; ``None`` where the price or the usage is unknown.

        Of an answer that was mended, or that called tools, for all its calls.

        Of a turn that failed, and of a tentative one that was thrown away: what the ledger booked, by
        estimate where it has to; nothing where it was never sent.
        """
        return self._requests.cost if self._records.spent is None else self._records.spent

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What is wrong with the answer, by its format."""
        return self._json.violations if self._json else ()

    @property
    def text(self) -> str:
        """The answer as far as it has arrived; what was said before tools were called is not of it."""
        return self._writer.text if self._writer else ""

    @property
    def answers(self) -> list[StoredMessage]:
        """The model's messages that have ended: one before each use of tools, and the last one."""
        return [row for row in self._records.messages.ended if row.message.role == "assistant"]

    @property
    def storage_error(self) -> TensorWallError | None:
        """Why this turn is not, or not wholly, stored; ``None`` when all is well.

        Final once the iteration has ended.
        """
        return self._records.failure

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if not self._feed.begun:
            self._feed.begin(self._answer, self._finish)
        try:
            return await anext(self._feed)
        except asyncio.CancelledError:
            await self.aclose()
            raise

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop, from any task; returns when upstream is closed and what has arrived is stored."""
        await self._feed.aclose()
        if not self._feed.begun:
            self.state = "stopped"
            self._records.spent = Decimal(0) if self._records.tentative else None
            return
        if self._records.tentative:
            await self._records.book_speculation(is_new=self._prepared is None or self._prepared.is_new)

    async def keep(self) -> None:
        """The answer is wanted: store question and answer; safe to call again, also once it is over.

        What cannot be stored is in ``storage_error``, as for every turn.
        """
        self._records.wanted.set()
        if self._writer is not None:  # else `_answer` sees to it, once it gets there
            await self._records.keep()

    async def store(self) -> bool:
        """Try once more to store a turn that is over; whether all of it is stored now."""
        if self.storage_error is None or self._writer is None or self.state == "streaming":
            return self.storage_error is None
        await self._records.retry()
        return self.storage_error is None

    @property
    def branch(self) -> tuple[Session, list[StoredMessage]]:
        """The conversation up to this turn's answer, from memory: for while it cannot be stored."""
        assert self._prepared is not None
        question = [self._prepared.question] if self._prepared.question else []
        return self._prepared.session, [*self._prepared.history, *question, *self._records.messages.ended]

    async def _answer(self) -> None:
        """Read the answer to its end, in whatever way it comes."""
        try:
            prepared = self._prepared = await self._prepare()
            self.left_out = prepared.left_out
            new_session = prepared.session if prepared.is_new else None
            self._writer = self._records.messages.begin(
                prepared.answer, question=prepared.question, session=new_session
            )
            await self._records.begin(prepared.unstored)
            gate = await self._records.gate()
            if self.response_format is not None:
                await self._read_json(self._writer, prepared.request, gate, self.response_format)
            else:
                await self._requests.read(self._writer, prepared.request, gate)
                if prepared.toolbox is not None:
                    await self._use_tools(prepared, prepared.toolbox)
            self.state = "complete"
        except asyncio.CancelledError:
            self.state = "stopped"
        except BaseException:
            self.state = "failed"
            raise

    async def _finish(self) -> None:
        """Store how the answer ended."""
        if self._writer is None:
            return
        for row in self._records.messages.open:
            self._records.messages.end(self._ending(row, self._writer))
        await self._records.finish()
        if self.state == "failed" and not self._records.tentative:
            await self._records.add_up()
        if not self._records.tentative and self.state != "stopped":  # else the next turn tells
            for passed in await self._records.newly_passed():
                self._feed.put(passed)

    async def _read_json(
        self, writer: AnswerWriter, request: ChatRequest, gate: BudgetGate | None, wanted: ResponseFormat
    ) -> None:
        """Read an answer that has to be JSON, and have it mended where it is not; once."""

        async def read(request: ChatRequest, role: CallRole) -> ChatResponse:
            return await self._requests.read(writer, request, gate, role, mends=(OutputInvalid,))

        self._json = JsonRounds(wanted, writer, read, self._feed.put)
        await self._json.run(request)

    async def _use_tools(self, prepared: Prepared, toolbox: Toolbox) -> None:
        """Run the tools that the answer calls and go on with their results, until it calls none."""
        assert prepared.go_on is not None
        for problem in toolbox.problems:
            self._feed.put(ToolsMissing(problem))
        rounds = ToolRounds(toolbox, self._records.messages, self._feed.put)
        last = prepared.answer
        while rounds.left and (response := self.response) is not None and rounds.calls_of(response):
            assert self._writer is not None
            await self._records.wanted.wait()
            self._requests.set_aside()
            answered = self._ending(last, self._writer, response, state="complete")
            self._records.messages.end(answered)
            await self._records.messages.settle()
            last = await rounds.run(answered, response)
            request = await prepared.go_on(rounds.messages, rounds.left > 0)
            last = rounds.answer_below(last, prepared.answer.model)
            self._writer = self._records.messages.begin(last)
            self._feed.put(AnswerContinued(last.id))
            await self._requests.read(self._writer, request, await self._records.gate(), "tools")

    def _ending(
        self,
        row: StoredMessage,
        writer: AnswerWriter,
        response: ChatResponse | None = None,
        *,
        state: MessageState | None = None,
    ) -> StoredMessage:
        """A message's row as it is to stay."""
        now, state = datetime.now(UTC), state or self.state
        if row.message.role == "tool":
            return stopped_result(row, state, now)
        response = response or self.response
        route, error = self._requests.route, self._feed.error
        partial = Message(role="assistant", content=writer.text, reasoning=writer.reasoning or None)
        return replace(
            row,
            message=response.message if response else partial,
            state=state,
            finished_at=now,
            provider=route.provider if route else None,
            model=route.model if route else row.model,
            finish_reason=response.finish_reason if response else None,
            error=str(error) if error else None,
            error_type=type(error).__name__ if error else None,
        )
