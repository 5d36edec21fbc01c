"""The requests that one turn makes of the router, and what their answers took together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from core.chat import (
    CallRole,
    ChatRequest,
    ChatResponse,
    Decision,
    Event,
    Irrevocable,
    ReasoningDelta,
    RouteChosen,
    TextDelta,
    Usage,
)
from core.conversations.answer_writer import AnswerWriter
from core.errors import ProviderError
from core.turn_records import TurnRecords

if TYPE_CHECKING:
    from core.costs.budget_gate import BudgetGate
    from core.routing import ChatStream, LLMRouter

__all__ = ("TurnRequests",)


class TurnRequests:
    """Has the model answer, one request after the other, and adds up the answers.

    Args:
        router: who answers.
        records: takes the calls upstream, and is told when an answer is under way.
        tell: takes events for the screen, once the writer has what they bring.
        irrevocable: what of the events cannot be taken back by whoever reads them.

    Attributes:
        route: who gives the answer, or gave the last one; ``None`` before that is known.
    """

    def __init__(
        self,
        router: LLMRouter,
        records: TurnRecords,
        tell: Callable[[Event], None],
        irrevocable: Irrevocable,
    ) -> None:
        self.route: RouteChosen | None = None
        self._router = router
        self._records = records
        self._tell = tell
        self._irrevocable = irrevocable
        self._stream: ChatStream | None = None
        self._earlier: list[ChatResponse] = []
        self._decisions: list[Decision] = []

    async def read(
        self,
        writer: AnswerWriter,
        request: ChatRequest,
        gate: BudgetGate | None,
        role: CallRole = "first",
        mends: tuple[type[ProviderError], ...] = (),
    ) -> ChatResponse:
        """One answer, read to its end.

        Raises:
            AllRoutesFailed, ProviderError: as ``core.routing.ChatStream``; the writer has what arrived.
            BudgetExceeded: the gate lets nothing be sent.
            UnknownRoute: no route leads to the model.
        """
        self.set_aside()
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

    def set_aside(self) -> None:
        """The answer so far is paid for, and another one is asked for."""
        if self.response is not None:
            self._earlier.append(self.response)
        self._stream = None

    @property
    def response(self) -> ChatResponse | None:
        """The last answer, once it is whole and until it is set aside."""
        return self._stream.response if self._stream else None

    @property
    def decision(self) -> Decision | None:
        """Which routes were tried for it, and why; ``None`` while nothing is asked."""
        return self._stream.decision if self._stream else None

    @property
    def decisions(self) -> Sequence[Decision]:
        """Those of all requests."""
        return tuple(self._decisions)

    @property
    def usage(self) -> Usage | None:
        """The tokens billed for all answers, as far as the providers said so."""
        usages = [answer.usage for answer in self._responses if answer.usage]
        return sum(usages[1:], usages[0]) if usages else None

    @property
    def cost(self) -> Decimal | None:
        """US dollars for all answers; ``None`` where there is none, or one whose cost is unknown."""
        answers = self._responses
        costs = [answer.cost for answer in answers if answer.cost is not None]
        if not answers:
            return None
        return sum(costs, Decimal(0)) if len(costs) == len(answers) else None

    @property
    def _responses(self) -> list[ChatResponse]:
        """Every whole answer that was paid for, the last one included."""
        return [*self._earlier, *([self.response] if self.response else [])]

    def _take(self, writer: AnswerWriter, event: Event) -> None:
        if type(event) is TextDelta:
            writer.add_text(event.text)
        elif type(event) is ReasoningDelta:
            writer.add_reasoning(event.text)
        elif type(event) is RouteChosen:
            self.route = event
            if not event.continues:
                writer.restart()
        if type(event) is not RouteChosen and not self._records.under_way.is_set():
            self._records.under_way.set()
        self._tell(event)
