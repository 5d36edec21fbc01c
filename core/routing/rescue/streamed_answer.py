"""The answer of a stream as its consumer has it: by one call, or by several that each went on with it."""

from __future__ import annotations

from decimal import Decimal

from core.chat import ChatResponse, Decision, FinishReason, Irrevocable, Usage
from core.routing.known_models import KnownModels
from core.routing.running_call import RunningCall

__all__ = ("StreamedAnswer",)


class StreamedAnswer:
    """What has been passed on of an answer.

    Attributes:
        finish_reason: why it ended; ``None`` until it is whole.
    """

    __slots__ = ("_parts", "_taken_back", "finish_reason")

    def __init__(self) -> None:
        self._parts: list[RunningCall] = []
        self._taken_back: list[RunningCall] = []
        self.finish_reason: FinishReason | None = None

    def read_from(self, call: RunningCall) -> None:
        """The answer comes from this call now: after what has been said, where anything has been."""
        if not self.begun:
            self._parts.clear()
        self._parts.append(call)

    @property
    def begun(self) -> bool:
        """Whether any of it has been passed on, so that it can only be gone on with."""
        return any(part.answering for part in self._parts)

    @property
    def calls_tools(self) -> bool:
        """Whether any piece of a tool call has been passed on."""
        return any(part.answer.calls_tools for part in self._parts)

    def can_be_taken_back(self, irrevocable: Irrevocable) -> bool:
        """Whether nothing of it has been passed on that has to stand."""
        return irrevocable == "nothing" or (irrevocable == "text" and not self.text)

    def take_back(self) -> None:
        """It begins anew; what has been passed on counts no more, but costs what it costs."""
        self._taken_back += self._parts
        self._parts.clear()

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(part.answer.text for part in self._parts)

    def response(self, models: KnownModels, decision: Decision) -> ChatResponse | None:
        """The whole answer, with the usage and the cost of every call that it took; ``None`` before."""
        if self.finish_reason is None:
            return None
        first, last = self._parts[0].answer, self._parts[-1]
        usage, cost = self._bill(models)
        return ChatResponse(
            text=self.text,
            provider=last.call.provider,
            model=last.call.model,
            finish_reason=self.finish_reason,
            usage=usage,
            tool_calls=last.answer.tool_calls,
            reasoning=first.reasoning,
            cost=cost,
            decision=decision,
        )

    def _bill(self, models: KnownModels) -> tuple[Usage | None, Decimal | None]:
        calls = [part.call for part in (*self._taken_back, *self._parts)]
        if len(calls) == 1:
            return calls[0].usage, models.cost(calls[0])
        from core.costs.booked_usage import booked_usage  # rarely needed

        usages = [booked_usage(call) for call in calls]
        costs = [models.cost(call, usage) for call, usage in zip(calls, usages, strict=True)]
        known = [cost for cost in costs if cost is not None]
        total = sum(known, Decimal(0)) if len(known) == len(costs) else None
        return sum(usages[1:], usages[0]), total
