"""One turn while it happens: a question on its way to becoming a stored answer."""

from __future__ import annotations

import asyncio
from collections import deque
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
    ReasoningDelta,
    ResponseFormat,
    RouteChosen,
    TextDelta,
    ToolsMissing,
    Usage,
)
from core.conversations.answer_writer import AnswerWriter
from core.conversations.stored import MessageState, Session, StoredMessage
from core.errors import OutputInvalid, ProviderError, TensorWallError
from core.json_rounds import JsonRounds
from core.prepared_turn import Prepared
from core.records import LazyRecords
from core.structured import Violation
from core.tool_rounds import ToolRounds, stopped_result
from core.turn_records import TurnRecords

if TYPE_CHECKING:
    from core.costs.budget_gate import BudgetGate
    from core.routing import ChatStream, LLMRouter
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
        self._irrevocable = irrevocable
        self._router = router
        self._records = TurnRecords(session_id, answer_id, records, budgets, tentative=tentative)
        self._events: deque[Event] = deque()
        self._arrived = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._closed = False
        self._stoppable = True
        self._told = False
        self._error: TensorWallError | None = None
        self._stream: ChatStream | None = None
        self._earlier: list[ChatResponse] = []
        self._decisions: list[Decision] = []
        self._prepared: Prepared | None = None
        self._writer: AnswerWriter | None = None
        self._answering: RouteChosen | None = None
        self._json: JsonRounds | None = None

    @property
    def response(self) -> ChatResponse | None:
        """The whole answer; ``None`` until it has finished, and where it never did."""
        return self._stream.response if self._stream else None

    @property
    def decision(self) -> Decision | None:
        """Which routes were tried, and why; ``None`` before the request is made."""
        return self._stream.decision if self._stream else None

    @property
    def decisions(self) -> Sequence[Decision]:
        """Those of all its requests, where it was mended or called tools; ``decision`` is the last."""
        return tuple(self._decisions)

    @property
    def usage(self) -> Usage | None:
        """The tokens billed for the answer, once the provider has said so.

        Of an answer that was mended, or that called tools, for all its calls.
        """
        usages = [answer.usage for answer in self._responses if answer.usage]
        return sum(usages[1:], usages[0]) if usages else None

    @property
    def cost(self) -> Decimal | None:
        """US dollars for the answering call; ``None`` where the price or the usage is unknown.

        Of an answer that was mended, or that called tools, for all its calls.

        Of a turn that failed, and of a tentative one that was thrown away: what the ledger booked, by
        estimate where it has to; nothing where it was never sent.
        """
        if self._records.spent is not None:
            return self._records.spent
        answers = self._responses
        costs = [answer.cost for answer in answers if answer.cost is not None]
        if not answers:
            return None
        return sum(costs, Decimal(0)) if len(costs) == len(answers) else None

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What is wrong with the answer, by its format."""
        return self._json.violations if self._json else ()

    @property
    def _responses(self) -> list[ChatResponse]:
        """Every whole answer that was paid for, the last one included."""
        return [*self._earlier, *([self.response] if self.response else [])]

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
        if self._reading is None and not self._closed:
            self._reading = asyncio.create_task(self._run(), name=f"turn {self.answer_id}")
            self._reading.add_done_callback(lambda _: self._arrived.set())
        while not self._events:
            if self._reading is None or self._reading.done():
                raise self._end()
            self._arrived.clear()
            try:
                await self._arrived.wait()
            except asyncio.CancelledError:
                await self.aclose()
                raise
        return self._events.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop, from any task; returns when upstream is closed and what has arrived is stored."""
        self._closed = True
        if self._reading is None:
            self.state = "stopped"
            self._records.spent = Decimal(0) if self._records.tentative else None
            return
        if self._stoppable:
            self._stoppable = False
            self._reading.cancel()
        await asyncio.wait([self._reading])
        if self._records.tentative:
            await self._records.book_speculation(is_new=self._prepared is None or self._prepared.is_new)

    async def keep(self) -> None:
        """The answer is wanted: store question and answer; safe to call again, also once it is over.

        What cannot be stored is in ``storage_error``, as for every turn.
        """
        self._records.wanted.set()
        if self._writer is not None:  # else `_run` sees to it, once it gets there
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

    def _end(self) -> BaseException:
        """Why there is no further event; an error is told once."""
        if self._reading is not None and not self._told and not self._reading.cancelled():
            self._told = True
            return self._error or self._reading.exception() or StopAsyncIteration()
        return StopAsyncIteration()

    async def _run(self) -> None:
        """Read the answer to its end, in whatever way it comes, and store how it ended."""
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
                await self._read(self._writer, prepared.request, gate)
                if prepared.toolbox is not None:
                    await self._use_tools(prepared, prepared.toolbox)
            self.state = "complete"
        except asyncio.CancelledError:
            self.state = "stopped"
        except TensorWallError as error:
            self.state = "failed"
            self._error = error
        except BaseException:
            self.state = "failed"
            raise
        finally:
            self._stoppable = False
            if self._writer is not None:
                for row in self._records.messages.open:
                    self._records.messages.end(self._ending(row, self._writer))
                await self._records.finish()
                if self.state == "failed" and not self._records.tentative:
                    await self._records.add_up()
                if not self._records.tentative and self.state != "stopped":  # else the next turn tells
                    self._events.extend(await self._records.newly_passed())

    async def _read(
        self,
        writer: AnswerWriter,
        request: ChatRequest,
        gate: BudgetGate | None,
        role: CallRole = "first",
        mends: tuple[type[ProviderError], ...] = (),
    ) -> ChatResponse:
        """One answer, read to its end."""
        self._keep_response()
        self._stream = self._router.stream(
            request,
            observer=self._records.calls,
            gate=gate,
            role=role,
            mends=mends,
            irrevocable=self._irrevocable,
        )
        self._decisions.append(self._stream.decision)
        async with self._stream as events:
            async for event in events:
                self._take(writer, event)
        assert self.response is not None  # it is whole
        return self.response

    async def _read_json(
        self, writer: AnswerWriter, request: ChatRequest, gate: BudgetGate | None, wanted: ResponseFormat
    ) -> None:
        """Read an answer that has to be JSON, and have it mended where it is not; once."""

        async def read(request: ChatRequest, role: CallRole) -> ChatResponse:
            return await self._read(writer, request, gate, role, mends=(OutputInvalid,))

        self._json = JsonRounds(wanted, writer, read, self._tell)
        await self._json.run(request)

    async def _use_tools(self, prepared: Prepared, toolbox: Toolbox) -> None:
        """Run the tools that the answer calls and go on with their results, until it calls none."""
        assert prepared.go_on is not None
        for problem in toolbox.problems:
            self._tell(ToolsMissing(problem))
        rounds = ToolRounds(toolbox, self._records.messages, self._tell)
        last = prepared.answer
        while rounds.left and (response := self.response) is not None and rounds.calls_of(response):
            assert self._writer is not None
            await self._records.wanted.wait()
            self._keep_response()
            answered = self._ending(last, self._writer, response, state="complete")
            self._records.messages.end(answered)
            await self._records.messages.settle()
            last = await rounds.run(answered, response)
            request = await prepared.go_on(rounds.messages, rounds.left > 0)
            last = rounds.answer_below(last, prepared.answer.model)
            self._writer = self._records.messages.begin(last)
            self._tell(AnswerContinued(last.id))
            await self._read(self._writer, request, await self._records.gate(), "tools")

    def _keep_response(self) -> None:
        """The answer so far is paid for, and another one is asked for."""
        if self.response is not None:
            self._earlier.append(self.response)
        self._stream = None

    def _take(self, writer: AnswerWriter, event: Event) -> None:
        if type(event) is TextDelta:
            writer.add_text(event.text)
        elif type(event) is ReasoningDelta:
            writer.add_reasoning(event.text)
        elif type(event) is RouteChosen:
            self._answering = event
            if not event.continues:
                writer.restart()
        if type(event) is not RouteChosen and not self._records.under_way.is_set():
            self._records.under_way.set()
        self._tell(event)

    def _tell(self, event: Event) -> None:
        self._events.append(event)
        self._arrived.set()

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
        partial = Message(role="assistant", content=writer.text, reasoning=writer.reasoning or None)
        return replace(
            row,
            message=response.message if response else partial,
            state=state,
            finished_at=now,
            provider=self._answering.provider if self._answering else None,
            model=self._answering.model if self._answering else row.model,
            finish_reason=response.finish_reason if response else None,
            error=str(self._error) if self._error else None,
            error_type=type(self._error).__name__ if self._error else None,
        )
