"""A whole answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from core.chat.decision import Decision
from core.chat.events import FinishReason
from core.chat.messages import Message, ToolCall
from core.chat.usage import RateLimits, Usage

__all__ = ("ChatResponse",)


@dataclass(slots=True)
class ChatResponse:
    """One answer with what it took.

    Attributes:
        cost: US dollars of the answering call, or ``None`` where the price is unknown.
        decision: the routes tried, or ``None`` where a provider was asked directly.
        limits: the provider's limits after this call, as its headers told.
        relayed: the answer as the provider wrote it, JSON, where the request was a relayed one.
    """

    text: str
    provider: str
    model: str
    finish_reason: FinishReason
    usage: Usage | None = None
    tool_calls: list[ToolCall] = field(default_factory=list)
    reasoning: str = ""
    cost: Decimal | None = None
    decision: Decision | None = None
    limits: RateLimits | None = None
    relayed: bytes | None = field(default=None, repr=False)

    @property
    def message(self) -> Message:
        """The answer as a message to append to the conversation."""
        return Message(
            role="assistant",
            content=self.text or None if self.tool_calls else self.text,
            tool_calls=self.tool_calls or None,
            reasoning=self.reasoning or None,
        )
